"""What customers say beside the point: words of another product, intent or priority than their ticket's.

These keep a reader from going by keywords. Notation as in products.py.
"""

# Sentences that name another product which the ticket is not about; {o} is that other product.
OTHER_PRODUCTS = (
    "The {o} [works fine|is fine|does what it should].",
    "We also [own|have] the {o}, [no complaints there|never a problem].",
    "[I have the|There is a] {o} right beside it.",
    "The {o} [I bought with it|from the same box] is [all right|fine].",
    "[It is not|Not] the {o} this time.",
    "My [brother|neighbour] has the {o} and [envies nobody|is happy].",
    "[Last year|In spring] you [replaced|sorted out] my {o}, [thanks again|that was quick].",
    "[Don't mix this up with|This has nothing to do with] the {o}.",
    "The {o} came [on time|two days earlier].",
    "[Later|One day] I may [buy|add] a {o}.",
    "I tried it with and without the {o}, [same thing|no change].",
    "The {o} in the [hall|kitchen] can stay as it is.",
    "Your colleague first thought of the {o}, [but no|wrongly].",
    "It hangs [next to|above] the {o}.",
)

# The very words of trouble with another product; {q} is one of its faults.
REPORTED_TROUBLES = (
    "[Last winter|Back then] it was '{q}', another device.",
    "'{q}' is [what my neighbour has|my sister's trouble], not [ours|mine].",
    "[In the forum|Online] they write '{q}', [I don't have that|not here].",
    "You [fixed|solved] '{q}' for us in [May|June].",
)

NOUNS = {
    "setup": ("the pairing", "the installation", "the first set-up", "connecting it to the wifi"),
    "fault": ("a repair", "a replacement", "the broken one", "an exchange under warranty"),
    "delivery": ("the parcel", "the late delivery", "the courier", "the missing box"),
    "refund": ("a refund", "my money back", "the return label", "sending it back"),
    "billing": ("the invoice", "the double charge", "the VAT receipt", "the payment reminder"),
    "account": ("my password", "the login", "my profile", "the second factor"),
    "cancel": ("cancelling the plan", "the cancelled order", "ending the contract", "my subscription"),
    "question": ("which version fits", "the general questions", "advice before buying", "how schedules work"),
}

# Sentences that bring up another intent which the ticket is not about; {n} is one of NOUNS.
OTHER_INTENTS = (
    "I am not [asking for|after] {n}.",
    "[This isn't|It is not] about {n}.",
    "[Please don't|Do not] answer with [the text|the page] about {n}.",
    "My [mail|ticket] about {n} is [closed|settled].",
    "{n} was [sorted out|dealt with] in [March|May|June].",
    "Your colleague [offered|suggested] {n}, [that won't help|no thanks].",
    "[Last time|In winter] it was {n}, [this is new|now something else].",
    "[The chat bot|Your form] thought I meant {n}.",
    "Forget {n}, [that is done|I was wrong there].",
    "[I'd skip|Let us skip] {n}.",
    "[Others may want|My neighbour wants] {n}, I don't.",
    "[It need not be|No need for] {n}.",
)

# The very words of another intent, said by someone else or long ago; {q} is an ask of ASKS.
REPORTED_ASKS = (
    "[Back in May|In autumn] I wrote '{q}', that is [done|settled].",
    "The chat bot [made of it|understood]: '{q}' - [no|wrong].",
    "My [wife|boss] would say '{q}', I [don't|see it differently].",
    "'{q}' was my last ticket, [closed|solved].",
    "I could [write|demand] '{q}', but no.",
    "[Someone|A guy] in your forum posts '{q}', [not my case|I don't need that].",
)

# Words of another priority, by the priority of the ticket in which they mislead.
OTHER_PRIORITIES = {
    "urgent": (
        "[Yesterday|Last week] I wrote 'no hurry', that has changed.",
        "[Forgive|Excuse] the small question.",
        "I don't want to [make a fuss|bother you].",
        "It looked [harmless|cosmetic] at first.",
        "Just so you know.",
    ),
    "high": (
        "Nobody is [hurt|in danger], [of course|luckily].",
        "It isn't [an emergency|a fire], but.",
        "I [told you|said] there was no rush, [that was in May|not any more].",
        "[Sorry|Forgive me] for being a nuisance.",
        "Just a reminder.",
    ),
    "normal": (
        "[Nothing dangerous|No emergency].",
        "At least nobody is [locked out|cold|hurt].",
        "[Last year|In January] we had [smoke|a break-in|no heating], this is [tamer|nothing like it].",
        "I don't need it by tomorrow.",
        "My lawyer can stay at home.",
    ),
    "low": (
        "[Nothing|Not a thing] is broken or burning.",
        "No [danger|deadline|lawyer] here.",
        "Not [urgent|important] at all, whatever the form [says|put on top].",
        "[My neighbour|A colleague] had [smoke|an emergency] once, we [don't|didn't].",
        "I picked 'high' in the form [by mistake|because I had to].",
    ),
}

# The very words of another priority, said of another case; {q} is one of CONSEQUENCES.
REPORTED_CONSEQUENCES = (
    "My [sister|neighbour] [wrote you|told you] '{q}', [that is her case|ours differs].",
    "[In spring|Last year] it was '{q}', [not now|that is over].",
    "The [agent|form] noted '{q}', [which is wrong|I never said so].",
    "I [don't|won't] say '{q}'.",
    "[Others|Some] write '{q}' to get served, I don't.",
)

LOUD = (
    "[Please hurry|Hurry up]!!",
    "ASAP!!!",
    "I need an answer NOW.",
    "[Hello??|Anybody there??]",
    "This is [ridiculous|a joke].",
    "[Unbelievable|Incredible].",
    "I am [very|really] upset.",
)

SOFT = (
    "Hope you are well.",
    "[Thanks in advance|Many thanks].",
    "[You are always kind|Your team is great].",
    "Sorry to bother you.",
    "Have a nice [day|weekend].",
    "[Love|We like] your things otherwise.",
    "If I may ask.",
)

LOUD_SHARE = {"urgent": 0.15, "high": 0.25, "normal": 0.2, "low": 0.12}
