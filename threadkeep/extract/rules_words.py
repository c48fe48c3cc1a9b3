"""The English words that the rules know; general, not tuned to any data set."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SYNONYM_PAIRS: Final = "mum:mother mom:mother mummy:mother mommy:mother dad:father daddy:father \
grandma:grandmother granny:grandmother nana:grandmother grandpa:grandfather granddad:grandfather \
neighbor:neighbour coworker:colleague co-worker:colleague fiancé:fiance fiancée:fiance kid:child \
hubby:husband children:child sons:son wives:wife puppy:dog kitten:cat"
SYNONYMS: Final = dict(pair.split(":") for pair in _SYNONYM_PAIRS.split())
"""Synonyms of relations and animals."""

RELATIONS: Final = _words(
    "mother father sister brother son daughter wife husband partner girlfriend boyfriend fiance "
    "spouse friend cousin aunt uncle niece nephew grandmother grandfather grandson granddaughter "
    "boss colleague neighbour roommate flatmate housemate teacher tutor doctor dentist therapist "
    "coach landlord landlady mentor student classmate stepmother stepfather stepsister stepbrother "
    "stepson stepdaughter godmother godfather mother-in-law father-in-law sister-in-law "
    "brother-in-law son-in-law daughter-in-law child baby twin parent ex ex-wife ex-husband "
    "bestie supervisor manager assistant accountant lawyer babysitter nanny"
)
ANIMALS: Final = _words(
    "dog cat parrot hamster rabbit bunny horse pony goldfish bird turtle tortoise snake lizard "
    "budgie canary cockatiel ferret gerbil rat mouse hen pet cow goat donkey"
)
MODIFIERS: Final = _words(
    "best old older elder big little small young younger youngest oldest eldest dear late twin "
    "close good new other former only great half step black white brown grey ginger beloved dearest"
)
"""Words that may stand between "my" and the relation."""
NOUNS: Final = {
    "name": "is named",
    "birthday": "birthday",
    "age": "age",
    "job": "works as",
    "profession": "works as",
    "occupation": "works as",
    "hometown": "hometown",
    "email": "email",
    "address": "address",
}
"""Nouns of which a person has one, and their predicates."""

OPENERS: Final = _words(
    "hi hello hey oh ah well yes yeah yep no nope ok okay so and but also actually anyway btw "
    "then now today yesterday recently currently finally sadly luckily fortunately unfortunately "
    "honestly haha lol wow thanks great because since though although while plus still sorry "
    "please remember note that fyi apparently meanwhile nowadays lately once"
)
"""Words that may stand before the subject of a clause."""
SKIPPED: Final = _words(
    "also really just still now currently recently always actually finally absolutely truly "
    "have has 's both simply definitely totally already both all do does very much even usually "
    "often mostly only mainly originally once secretly officially happily certainly been be"
)
"""Words between subject and verb that do not change the meaning."""
DOUBT: Final = _words(
    "if unless suppose supposing imagine pretend wish dreamed dreamt whether said says would might "
    "could perhaps maybe asked wonder hypothetically allegedly"
)
"""After one of these words a sentence states no facts."""
CONJUNCTIONS: Final = _words("and but because so though although while since whereas plus")
STOPS: Final = _words(
    "and but or because so when while which who whose that if since though although where as "
    "than unless until"
)
PREPOSITIONS: Final = _words(
    "in at on for from with to by about near during after before over under into through"
)
VAGUE: Final = _words(
    "it that this them these those you him her me us how when what why who your his their its our "
    "there here everything nothing something anything someone anyone everyone one both all"
)
"""Objects without a meaning of their own."""
NO_POSSESSION: Final = _words(
    "question questions problem problems idea ideas feeling feelings lot lots bit few meeting "
    "meetings headache cold doubt doubts look point issue issues chance go plan plans appointment "
    "call moment minute minutes hour hours day days time times week weeks way thing things fun "
    "blast reason feel good great bad hard couple tendency suggestion request favour favor word "
    "dream nightmare talk break rest nap shower crush sense error bug choice preference while "
    "couple month months year years interview exam test fever flu year chat lunch dinner drink"
)

MONTHS: Final = (
    "january february march april may june july august september october november december"
).split()
MONTHS_SHORT: Final = {name[:3]: number for number, name in enumerate(MONTHS, 1)} | {"sept": 9}
DAYS: Final = "monday tuesday wednesday thursday friday saturday sunday".split()
NUMBERS: Final = {
    name: number
    for number, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"a": 1, "an": 1, "couple": 2}
JOBS: Final = _words(
    "nurse doctor vet chef cook pilot judge lawyer clerk guard student waitress actress priest "
    "architect accountant consultant assistant surgeon midwife librarian musician electrician "
    "politician technician physician mathematician analyst scientist artist dentist pharmacist "
    "journalist therapist psychologist biologist chemist physicist economist florist engineer "
    "teacher programmer developer designer writer painter photographer carpenter plumber farmer "
    "baker butcher barber hairdresser lecturer professor driver manager banker officer soldier "
    "firefighter paramedic researcher lawyer solicitor barrister singer dancer drummer potter "
    "gardener fisherman policeman postman translator editor author director actor doctor tutor "
    "conductor sailor tailor doctor mechanic secretary receptionist cashier waiter bartender "
    "freelancer contractor builder welder miner astronaut coach trainer instructor principal "
    "nanny caretaker cleaner guide ranger reporter broker trader auditor statistician planner "
    "optician optometrist physiotherapist radiologist cardiologist geologist historian curator"
)
TRAITS: Final = _words(
    "vegetarian vegan diabetic left-handed pescatarian colour-blind color-blind widowed retired "
    "divorced pregnant celiac coeliac deaf blind dyslexic lactose-intolerant teetotal"
)

NOT_NAMES: Final = (
    _words(
        "the a an i you he she it we they this that these those there here my your his her its "
        "our their mine yours what who whom whose which when where why how if then than so and "
        "but or nor not no yes yeah ok okay hi hello hey dear thanks thank please sorry welcome "
        "good great nice well oh ah wow today tomorrow yesterday tonight now later soon once "
        "always never sometimes often usually maybe perhaps everyone everybody someone somebody "
        "anyone anybody nobody none nothing something everything anything one two three four "
        "five six seven eight nine ten first second third last next another other others each "
        "every all some any many most few several both either neither such same own only just "
        "also too very really quite still even ever again back after before during since until "
        "while because although though unless as at by for from in into of off on onto out over "
        "to under up with about above across against along among around behind below beneath "
        "beside between beyond despite down except inside like near outside past through toward "
        "towards upon via within without is am are was were be been being have has had do does "
        "did done can could will would shall should may might must let lets get got go goes went "
        "gone come came make made take took see saw know knew think thought say said tell told "
        "ask asked give gave find found work worked feel felt try left call called keep use want "
        "need love hate prefer enjoy look looking going nope yep sure cool awesome amazing lovely "
        "congrats congratulations happy merry cheers bye goodbye morning afternoon evening night "
        "god jesus christmas easter halloween thanksgiving ramadan hanukkah diwali monday-friday "
        "mr mrs ms miss dr prof sir madam english french german spanish italian portuguese dutch "
        "swedish danish norwegian finnish polish russian chinese japanese korean arabic turkish "
        "greek hindi hebrew latin american british irish scottish welsh canadian australian "
        "indian mexican brazilian african asian european people man men woman women internet "
        "covid tv usb pc ai api url http https www json html css sql python java javascript "
        "linux windows mac google amazon facebook twitter apple microsoft netflix youtube "
        "instagram whatsapp nothing life work school home rent music weather time money food "
        "rain snow summer winter spring autumn fall version chapter section page figure table"
    )
    | frozenset(MONTHS)
    | frozenset(DAYS)
)
