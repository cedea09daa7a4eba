"""How much depends on a ticket: the priority follows from the consequences told, never from the volume of the tone.

A ticket that tells no consequences is low when it is a question and normal otherwise. Notation as in products.py.
"""

# Consequences that fit every product; those that make a ticket urgent or high for one product are in products.py.
CONSEQUENCES = {
    "urgent": (
        "Somebody [could get|will get] hurt [here|if this goes on].",
        "[It is|This is] dangerous [right now|as we speak].",
        "Right now strangers can [see|control] our home.",
        "I had to call the fire brigade because of this.",
    ),
    "high": (
        "This is the [third|fourth|fifth] time I [write|ask], nobody answers.",
        "[Fourteen|Ten] days of silence from you, I am losing [my patience|trust].",
        "My [lawyer|bank] steps in [on Monday|this week].",
        "It [costs us|loses me] [guests|customers|money] every day.",
        "I need this [by tomorrow|before Friday], after that it is [useless|too late].",
        "[Two|Three] technicians were here [for nothing|in vain], I took days off for it.",
        "We [can't work|stand still] until then.",
        "You [hold|keep] [600|900] euros of mine that I need for the rent.",
        "I [will|must] [report|post] this if nothing happens [this week|by Thursday].",
        "The deadline [of the tax office|for our audit] is [tomorrow|on Friday].",
    ),
    "normal": (
        "It is [a bit|rather] annoying.",
        "We [manage|get by] for [some|a few] days.",
        "[This week|The next days] would be fine.",
        "I [work|help myself] around it [so far|for now].",
        "It [bothers|puzzles] me, [that is all|not more].",
        "I'd [like|be glad] to have it [settled|done] [soon|in the next days].",
        "It's a nuisance [in the evening|every day], [we live with it|not worse].",
        "Most of it [still works|can be used].",
        "[An answer|A reply] in the usual time is [fine|enough].",
        "[My kids complain|The family grumbles], [nothing more|that's it].",
    ),
    "low": (
        "[Whenever|If ever] you have a quiet minute.",
        "[It can wait|No hurry], [we are away until spring|it is for next year].",
        "[Only|Just] a small thing.",
        "I [hardly|rarely] use it [anyway|these days].",
        "[Any time|Some day] this [month|quarter] is fine.",
        "It is [merely|only] [cosmetic|for the spare room].",
        "[Don't put|No need to put] anyone else behind for me.",
        "[I ask|This is] [out of interest|for my notes].",
        "It doesn't [matter|affect us] much.",
        "[We have|There is] a second one in use, so [all is well|nothing is lost].",
    ),
}

# How often a ticket tells its consequences; urgent and high tickets always do.
TOLD = {"urgent": 1.0, "high": 1.0, "normal": 0.6, "low": 0.9}


# How the priorities spread within an intent.
SPREAD = {
    "setup": {"urgent": 0, "high": 3, "normal": 6, "low": 3},
    "fault": {"urgent": 4, "high": 4, "normal": 5, "low": 2},
    "delivery": {"urgent": 0, "high": 4, "normal": 6, "low": 2},
    "refund": {"urgent": 2, "high": 4, "normal": 5, "low": 2},
    "billing": {"urgent": 0, "high": 4, "normal": 6, "low": 2},
    "account": {"urgent": 3, "high": 3, "normal": 5, "low": 1},
    "cancel": {"urgent": 1, "high": 3, "normal": 6, "low": 3},
    "question": {"urgent": 0, "high": 1, "normal": 3, "low": 7},
}
