"""What customers say about each of Ostrelle's five products: names for it, trouble with it, and why it matters.

Notation of all fragments: `[a|b|c]` is one of the alternatives, `{p}` the product's name, `{it}` its name or, once it
was named, "it".
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """Fragments that fit one product only; a reader can tell the product from each of them."""

    names: tuple[str, ...]
    setup: tuple[str, ...]
    faults: tuple[str, ...]
    questions: tuple[str, ...]
    urgent: tuple[str, ...]
    high: tuple[str, ...]


CAMERA = Product(
    names=(
        "camera",
        "Peek camera",
        "Peek 2",
        "Peek Mini",
        "doorbell cam",
        "outdoor camera",
        "cam in the yard",
        "lens over the garage",
        "gadget that films our porch",
        "video thing",
    ),
    setup=(
        "The {p} [never gets past|keeps failing at|stops at] the QR code.",
        "I [screwed|mounted] the {p} to the wall [this morning|last night] and [still have|there is] no picture.",
        "The app [says 'no video source'|only shows a grey square] when I add the {p}.",
        "It [blinks blue|beeps three times] and then [forgets|drops] the wifi before the first picture comes.",
        "The new {p} [won't show up|is not found] in the app, [whatever I try|I tried four times].",
        "[First evening|Day one] with the {p} and I cannot get a single frame out of it.",
    ),
    faults=(
        "The {p} [went black|shows only black] [since the update|after the storm|since Sunday].",
        "Night vision is [gone|just purple fog] [since last week|all of a sudden].",
        "The {p} [records|keeps recording] [nothing but static|three seconds and then stops].",
        "Every clip [is missing its sound|ends in the middle] now, it was fine for months.",
        "The {p} [turns itself off|reboots] [every hour|whenever someone walks by].",
        "Motion alerts [stopped|no longer come], though the picture [is fine|is there].",
        "There is [water|condensation] behind the glass of the {p}.",
        "The picture [freezes|hangs] [every few minutes|at dusk], it used to be smooth.",
    ),
    questions=(
        "Can the {p} [store clips on a card|record without the cloud]?",
        "How long does the {p} keep [old clips|recordings]?",
        "Would the {p} [see|reach] [as far as the gate|ten metres at night]?",
        "Is there a way to [blur|mask] the neighbour's window in the picture?",
    ),
    urgent=(
        "Someone I don't know [talked to my daughter|is talking] through it [just now|ten minutes ago].",
        "A stranger's [living room|kitchen] shows up in my app, so [who sees ours|somebody may see ours]?",
        "We had a break-in [last night|at noon] and the police [are here and need|are waiting for] the clips.",
        "It [smells burnt|is hot enough to burn] and sits on a wooden wall.",
    ),
    high=(
        "The [shop|storage yard] is unwatched [since Friday|every night now].",
        "The insurer [wants the clips by Monday|closes my claim on Friday].",
        "We [leave for three weeks|travel] tomorrow and count on seeing the [house|porch].",
    ),
)

LOCK = Product(
    names=(
        "lock",
        "door lock",
        "Latchly",
        "Latchly Pro",
        "smart lock",
        "keypad on the door",
        "bolt at the back door",
        "thing that opens our front door",
        "front door unit",
        "electronic key thing",
    ),
    setup=(
        "The {p} [refuses|won't accept] the first code I [set|give it].",
        "Calibration of the bolt [fails|breaks off] at [half way|90 percent] every time.",
        "I [fitted|installed] the {p} [today|yesterday] and it turns [the wrong way|only half].",
        "The {p} [won't pair|does not pair], the app [waits forever|times out].",
        "[Out of the box|Brand new] and the {p} does not [react to the app|find the strike plate].",
        "The template doesn't fit my door so the {p} [sits crooked|can't be finished].",
    ),
    faults=(
        "The {p} [jams|sticks|grinds] [half way|every second time] [since the cold|lately].",
        "My code [works only at the third try|is refused], [it was fine for a year|it always worked].",
        "The bolt [doesn't come out|stays in], only the motor [hums|clicks].",
        "The {p} [eats batteries|drains its batteries] in [four days|a week] now.",
        "Fingerprints are [no longer read|ignored] [since the rain|since the update].",
        "The {p} says 'closed' [when it is open|while the door stands open].",
        "Auto-close [stopped|no longer happens] after I changed the batteries.",
        "Two keys of the number pad are [dead|stuck].",
    ),
    questions=(
        "Can I give the cleaner a code for the {p} that [works on Tuesdays only|ends in June]?",
        "Does the {p} fit [a 70 mm door|a glass door|a door that opens outwards]?",
        "What happens to the {p} [when its battery is empty|in a power cut]?",
        "Is there a log of who [came in|used which code]?",
    ),
    urgent=(
        "I am standing outside [in the rain|with two kids] and can't get in.",
        "Our front door has been open [since noon|all night] and [I can't shut it|nobody is home].",
        "My mother is [stuck inside|shut in] and needs her [medicine|insulin].",
        "My ex [still has a code that works|just let himself in], I am [afraid|scared] to be here.",
    ),
    high=(
        "Holiday guests arrive [tomorrow|on Friday] and have no other key.",
        "The [office|practice] opens late every day because of this.",
        "I take the spare key from a neighbour who [leaves tomorrow|moves out on Friday].",
    ),
)

THERMOSTAT = Product(
    names=(
        "thermostat",
        "Warmwell",
        "Warmwell dial",
        "radiator valve",
        "heating control",
        "room thermostat",
        "Warmwell E",
        "round dial in the hall",
        "thing that runs our boiler",
        "temperature gadget",
    ),
    setup=(
        "The {p} [does not find|can't see] the boiler [at all|after wiring].",
        "I [wired|connected] the {p} [as drawn|like the booklet says] and it shows [E4|E7].",
        "During the first start the {p} asks for a [zone|valve type] that [isn't in the list|I don't have].",
        "The valve adapter is [too wide|too small] for my radiator, so I can't [begin|go on].",
        "The {p} [stays at|won't leave] 'learning' [for two days|since Tuesday], it is new.",
        "My [first|new] {p} [won't join|does not get onto] the wifi.",
    ),
    faults=(
        "The {p} shows [12 degrees|31 degrees] when it is [clearly 20|not].",
        "It heats [all night|at 3 am] although the plan says [off|16 degrees].",
        "The {p} [forgot|loses] its schedule [again|every Sunday].",
        "Since the update the radiators stay [cold|lukewarm] whatever I set.",
        "The display of the {p} [is blank|fades out] [after an hour|since yesterday].",
        "The boiler [clicks on and off|starts and stops] every minute now, in autumn it did not.",
        "The {p} [ignores|doesn't follow] what I set in the app.",
        "The dial [turns but nothing changes|is loose].",
    ),
    questions=(
        "Does the {p} work with [a heat pump|underfloor heating|an oil boiler]?",
        "How do I set [two heating times|a different plan for weekends] on the {p}?",
        "How much [gas|energy] does the {p} save [in a flat|in an old house]?",
        "Can the {p} [follow|use] a window sensor of another brand?",
    ),
    urgent=(
        "It is [4|6] degrees in here and we have a [newborn|baby of two weeks].",
        "There is a smell of gas [near the boiler|in the cellar] since then.",
        "My father is 88 and [has been freezing|sits in the cold] since [last night|yesterday].",
        "The radiator [is too hot to touch|boils] and I cannot turn it off.",
    ),
    high=(
        "The [nursery|classroom] is at 14 degrees [every morning|since Monday].",
        "It [burns|wastes] [20 euros|a fortune] of gas a day like this.",
        "Frost is [forecast for Thursday|coming at the weekend] and the pipes run outside.",
    ),
)

LIGHTS = Product(
    names=(
        "bulb",
        "Glimmer bulb",
        "light strip",
        "Glimmer strip",
        "lamp",
        "ceiling light",
        "garden light",
        "reading lamp",
        "glowing thing in the hall",
        "dimmer",
    ),
    setup=(
        "The {p} [only flickers|just blinks] when I [add|pair] it.",
        "The {p} [shows up|appears] as 'unknown' and has no colours, it is [brand new|just unpacked].",
        "I [cut|shortened] the strip [as shown|at the mark] and now the app can't find the rest.",
        "The app [lists|finds] five of six, the last {p} [won't join|stays out].",
        "The {p} doesn't [fit|go into] the socket [you said|on the box], so I can't start.",
        "Five flashes for pairing, says the leaflet, but my new {p} [gives none|gives two].",
    ),
    faults=(
        "The {p} [flickers|buzzes] [at low brightness|since last week].",
        "Red is [gone|now pink] on the {p}, the other colours are there.",
        "The {p} [comes on|switches itself on] at [2 am|night] [by itself|for no reason].",
        "Half of the strip is [dark|dead] now.",
        "The {p} [dims to nothing|goes dark] after ten minutes, last month it did not.",
        "The {p} won't go below [full|80 percent] brightness any more.",
        "Scenes [do nothing|stopped working], it stays on white.",
        "The {p} [died|went out] with a [pop|click].",
    ),
    questions=(
        "Can I use the {p} [in a bathroom|outside in winter|with an old dimmer]?",
        "How many [metres|of them] can I run on one power supply?",
        "Does the {p} also come in [E14|warm white|black]?",
        "How do I make the {p} [follow the sunset|fade in before I get up]?",
    ),
    urgent=(
        "It [sparked|caught fire] and the [shade is scorched|socket is black].",
        "I got an electric shock when I touched it, my hand [is numb|still hurts].",
        "Smoke came out of it [a minute ago|just now] and the fuse won't hold.",
        "The stairs are pitch dark and my grandmother [fell|has already fallen] there [today|last night].",
    ),
    high=(
        "Our [café|shop window] is dark [in the evenings|for the third day].",
        "The flashing gives my son [migraines|seizures now and then].",
        "It has to glow at the [wedding on Saturday|opening tomorrow].",
    ),
)

HUB = Product(
    names=(
        "hub",
        "Centra",
        "Centra hub",
        "base station",
        "Centra 3",
        "bridge",
        "gateway",
        "little white box by the router",
        "box that connects everything",
        "control centre",
    ),
    setup=(
        "The {p} [stays orange|blinks red] [after|since] I plugged it in for the first time.",
        "The {p} [gets no address|is not seen] by my router, [cable or not|new cable too].",
        "It [asks for|wants] a code that [isn't on the sticker|was never in the box].",
        "[Moving|Migrating] from my old one to the new {p} [stops at 40 percent|ends in error 12].",
        "The {p} can't [find|add] any device, I [just unpacked|bought] it.",
        "The new {p} and the mesh wifi [don't get along|won't meet].",
    ),
    faults=(
        "The {p} [drops|loses] all devices [every night|twice a day].",
        "[Since the update|Since Monday] nothing in the house talks to each other.",
        "The {p} [hangs|freezes] until I pull the plug.",
        "Automations [run an hour late|fire twice] since the clocks changed.",
        "The {p} [shows|says] offline, its light is [green|on] though.",
        "Voice commands [reach nothing|end in 'no device'] since Friday, all of them.",
        "The {p} is [very slow|sluggish], a switch takes [ten seconds|half a minute].",
        "Its network port [is dead|has no light].",
    ),
    questions=(
        "How many devices can one {p} [take|handle]?",
        "Does the {p} [speak|understand] [Zigbee|Thread|Matter]?",
        "Can two of the {p} run in one [house|flat]?",
        "Will rules on the {p} run [without internet|when the line is down]?",
    ),
    urgent=(
        "The smoke alarms are linked to it and [none works|all are silent] now.",
        "Its power supply [melts|is melting], there is a smell of burning.",
        "Every door and siren went off with it and we [can't stop it|have no way to quiet it].",
        "My husband's emergency call button runs over it and is dead.",
    ),
    high=(
        "All [14 rooms of our guesthouse|three flats] hang on it.",
        "Nothing in the house can be [switched|used] since [Tuesday|the weekend].",
        "I run demos with it and the next one is [tomorrow at nine|on Friday].",
    ),
)

PRODUCTS = {"camera": CAMERA, "lock": LOCK, "thermostat": THERMOSTAT, "lights": LIGHTS, "hub": HUB}

# For tickets in which nothing else tells the product.
ABOUT = (
    "It is about the {p}.",
    "I mean the {p}.",
    "[Concerns|Regarding] the {p}.",
    "[We are|I am] talking about the {p}.",
    "The {p} is what this is about.",
    "Product: {p}.",
)
