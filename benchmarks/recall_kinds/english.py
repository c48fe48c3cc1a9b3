"""Facts of daily life and work in English."""

from benchmarks.recall_kinds.statements import Fact, Pools

POOLS: Pools = {
    "name": "Anna Bruno Carla Dmitri Elif Farid Greta Hana Igor Jonas Kira Lukas Mina Nuno".split()
    + "Olga Pavel Rosa Samir Tessa Umar Vera Wim Yara Zoe".split(),
    "kin": "sister brother cousin aunt uncle neighbour niece nephew grandmother flatmate".split(),
    "city": "Oslo Porto Kraków Ghent Turin Malmö Leipzig Galway Split Tartu Bilbao Lyon".split(),
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "the 3rd of May"]
    + ["March 12", "June 21", "October 8", "the 17th of April", "September 2", "January 30"],
    "hour": ["9 am", "10:30", "noon", "2 pm", "3:45 pm", "6 in the evening", "8:15", "4 pm"],
    "sum": ["240 euros", "$1,150", "85 euros", "£62", "3,400 kroner", "$79", "515 euros"],
    "number": "4 6 7 9 11 14 18 23 27 35 42 65".split(),
    "percent": "12% 18% 31% 47% 55% 64% 72% 88%".split(),
    "pet": "cat dog parrot tortoise rabbit hamster ferret pony".split(),
    "petname": "Biscuit Momo Pepper Luna Ziggy Tofu Nala Otto Kiwi Bruno".split(),
    "food": "peanuts shellfish gluten strawberries lactose walnuts sesame mustard".split(),
    "dish": ["mushroom risotto", "lentil curry", "fish tacos", "borscht", "aubergine lasagne"]
    + ["ramen", "pumpkin soup", "shakshuka"],
    "book": ["The Dispossessed", "Middlemarch", "The Leopard", "Austerlitz", "Stoner", "Kim"]
    + ["Solaris", "The Waves", "Invisible Cities"],
    "instrument": "cello ukulele oboe accordion piano banjo clarinet harp".split(),
    "sport": "bouldering fencing rowing badminton judo cycling archery swimming".split(),
    "place": ["the old boathouse", "Café Lumen", "the library", "the station", "Harbour Park"]
    + ["the town hall", "Mill Lane 14", "the botanic garden"],
    "firm": "Northwind Albatech Lumenor Kestrel Brightside Vectora Quillon Tamarind".split(),
    "job": ["nurse", "architect", "tax adviser", "welder", "translator", "data engineer"]
    + ["pastry chef", "geologist"],
    "color": "teal ochre crimson navy olive lilac charcoal turquoise".split(),
    "car": ["Fiat Panda", "Volvo V60", "Skoda Octavia", "Toyota Yaris", "Renault Zoe"],
    "tool": "Flask Django Svelte Redis Postgres Kafka Terraform Figma Blender Obsidian".split(),
    "code": "7Q-331 TK4410 92-ALPHA RX5507 B2-8816 0451-L ZP-77X".split(),
    "illness": ["migraine", "a sprained ankle", "hay fever", "tonsillitis", "a bad back"],
    "ago": [
        "yesterday",
        "last week",
        "two days ago",
        "last Saturday",
        "this morning",
        "last month",
    ],
    "event": ["support group", "charity run", "jazz concert", "art exhibition", "job fair"]
    + ["poetry slam", "school reunion", "climate march", "science museum", "flea market"],
    "craft": ["a sunset", "a clay bowl", "a wooden shelf", "a portrait of my aunt", "a bird house"]
    + ["a patchwork quilt", "a model ship"],
    "feeling": ["proud", "nervous", "relieved", "grateful", "inspired", "exhausted", "lonely"],
    "course": ["pottery", "Italian", "first aid", "sailing", "watercolour", "statistics"],
}

FACTS = (
    Fact(
        says=(
            "I went to the {event} {ago} and it was so inspiring.",
            "{ago} I was at the {event} with {name}, you should have been there.",
        ),
        asks=("When did I go to the {event}?", "When was I at the {event}?"),
    ),
    Fact(
        says=("I made {craft} {ago}, took me five hours.", "{ago} I finally finished {craft}."),
        asks=("When did I make {craft}?", "What did I make by hand?"),
    ),
    Fact(
        says=(
            "I felt {feeling} after the talk with {name}.",
            "The talk with {name} left me {feeling}.",
        ),
        asks=("How did I feel after talking to {name}?", "How did the talk with {name} affect me?"),
    ),
    Fact(
        says=(
            "I want to become a {job} because of what {name} taught me.",
            "{name} is the reason why I'm training as a {job}.",
        ),
        asks=("Who inspired my choice of profession?", "Why do I want to be a {job}?"),
    ),
    Fact(
        says=(
            "I joined a {course} group {ago}, they meet every {day}.",
            "{ago} I became a member of a {course} group.",
        ),
        asks=("Which group did I join?", "When did I join the {course} group?"),
    ),
    Fact(
        says=("My dentist appointment is on {day} at {hour}.", "I see the dentist {day}, {hour}."),
        changes=("The dentist's office called, they moved me to {day} at {hour}.",),
        asks=("When do I have to be at the dentist?", "What time is my dental appointment?"),
        label="my dentist appointment",
    ),
    Fact(
        says=(
            "Booked the flight to {city}, it leaves {day} at {hour}.",
            "We fly to {city} on {day}, departure {hour}.",
        ),
        changes=("The airline rescheduled the {city} flight: now {day} at {hour}.",),
        asks=("When does the plane to {city} leave?", "What day do I fly to {city}?"),
        label="the flight to {city}",
    ),
    Fact(
        says=("My {kin} {name} just moved to {city}.", "{name}, my {kin}, lives in {city} now."),
        changes=("{name} is moving again, this time to {city}.",),
        asks=("Where does my {kin} {name} live?", "Which city did {name} move to?"),
    ),
    Fact(
        says=(
            "{name} is allergic to {food}, I must not forget that.",
            "No {food} when {name} comes over, she gets a rash from it.",
        ),
        asks=("What can {name} not eat?", "Which allergy does {name} have?"),
    ),
    Fact(
        says=("We adopted a {pet} and called it {petname}.", "Our new {pet} is named {petname}."),
        asks=("What is the name of my {pet}?", "How did we call our {pet}?"),
    ),
    Fact(
        says=("The rent for the flat is {sum} a month.", "I pay {sum} rent every month."),
        changes=("The landlord raised it: from now on the rent is {sum}.",),
        asks=("How much rent do I pay?", "What does my apartment cost per month?"),
    ),
    Fact(
        says=("I started working at {firm} as a {job}.", "{firm} hired me! I'm their new {job}."),
        changes=("I quit and signed with {firm} instead.", "New job: {firm} made a better offer."),
        asks=("Where do I work?", "Which company employs me?"),
    ),
    Fact(
        says=("The door code of the office is {code}.", "To get into the office you type {code}."),
        changes=("They changed the office door code to {code}.",),
        asks=("How do I get into the office?", "What is the code for the office door?"),
    ),
    Fact(
        says=(
            "I finished reading {book} last night.",
            "Just read {book}, what an ending.",
            "{book} was better than I expected, I got through it in a week.",
        ),
        asks=("Which books have I read?", "What are all the novels I told you I finished?"),
        several=True,
    ),
    Fact(
        says=(
            "Tried {sport} for the first time today, my arms hurt.",
            "I signed up for {sport} at the club.",
            "Went to {sport} with {name}.",
        ),
        asks=("Which sports did I try?", "What kinds of exercise have I taken up?"),
        several=True,
    ),
    Fact(
        says=(
            "I cooked {dish} for {name} yesterday.",
            "Made {dish}, it turned out too salty.",
            "Tonight it's {dish} again, the kids love it.",
        ),
        asks=("What meals have I cooked?", "Which dishes did I prepare so far?"),
        several=True,
    ),
    Fact(
        says=(
            "{name} plays the {instrument} in the city orchestra.",
            "I heard {name} practise the {instrument} all afternoon.",
        ),
        asks=("Which instrument does {name} play?", "What does {name} play in the orchestra?"),
    ),
    Fact(
        says=("We painted the bedroom {color}.", "The bedroom walls are {color} now."),
        changes=("Repainted the bedroom, it is {color} now and I like it more.",),
        asks=("What colour is the bedroom?", "How did we paint the room where I sleep?"),
    ),
    Fact(
        says=("I bought a used {car} for {sum}.", "Got myself a {car}, second hand, {sum}."),
        asks=("What car do I drive?", "How much did I spend on the vehicle?"),
    ),
    Fact(
        says=("The book club meets {day} at {place}.", "Book club: {day}, {place}, bring wine."),
        changes=("Book club moved, we meet at {place} on {day}.",),
        asks=("Where does the reading group meet?", "When is the next book club?"),
        label="the book club",
    ),
    Fact(
        says=("I went to the doctor, it's {illness}.", "Doctor says I have {illness}."),
        asks=("What did the doctor find?", "Which health problem was I diagnosed with?"),
    ),
    Fact(
        says=("The budget for the kitchen is {sum}.", "We set aside {sum} for the new kitchen."),
        changes=("We had to raise the kitchen budget to {sum}.",),
        asks=("How much can we spend on the kitchen?", "What is our kitchen budget?"),
    ),
    Fact(
        says=(
            "The {firm} contract has to be signed by {day}.",
            "Deadline for the contract with {firm} is {day}.",
        ),
        changes=("{firm} gave us more time, the contract is due {day}.",),
        asks=("By when must I sign with {firm}?", "What is the deadline for the {firm} contract?"),
        label="the deadline of the {firm} contract",
    ),
    Fact(
        says=("My course in {course} begins on {day}.", "Signed up for {course}, starts {day}."),
        asks=("When does my {course} course start?", "What day is the first {course} lesson?"),
        label="the start of my {course} course",
    ),
    Fact(
        says=("{name} recommended {place} for the party.", "{name} says we should use {place}."),
        asks=("Who suggested {place}?", "Who had the idea to celebrate at {place}?"),
    ),
    Fact(
        says=("{name}'s birthday is on {day}.", "{name} turns {number} on {day}."),
        asks=("When is {name}'s birthday?", "On what day was {name} born?"),
        label="{name}'s birthday",
    ),
    Fact(
        says=("I ran {number} kilometres this morning.", "New record: {number} km without a stop."),
        changes=("Beat my running record again, {number} km today.",),
        asks=("What is my longest run?", "How far did I run?"),
    ),
    Fact(
        says=(
            "Test coverage of the {tool} service is at {percent}.",
            "We have {percent} of the {tool} code covered by tests.",
        ),
        changes=("After the new tests coverage of the {tool} service went to {percent}.",),
        asks=(
            "What is the test coverage of the {tool} service?",
            "How much of the {tool} code is tested?",
        ),
    ),
    Fact(
        says=(
            "We decided to use {tool} for the dashboard because {name} knows it well.",
            "The dashboard will be built with {tool}, {name} insisted.",
        ),
        changes=("Scrap that, the dashboard goes to {tool}.",),
        asks=(
            "What do we build the dashboard with?",
            "Which technology did we choose for it, the dashboard?",
        ),
    ),
    Fact(
        says=(
            "The average response time of the search API is {number}0 ms.",
            "Our search endpoint answers in {number}0 ms on average.",
        ),
        changes=("With the cache the search API is down to {number}0 ms.",),
        asks=(
            "How fast does the search API respond?",
            "What is the latency of the search endpoint?",
        ),
    ),
    Fact(
        says=(
            "{name} from {firm} is my contact for invoices.",
            "For invoices I talk to {name} at {firm}.",
        ),
        asks=("Whom do I ask about bills at {firm}?", "Who handles invoices at {firm}?"),
    ),
    Fact(
        says=("I keep the spare key at {place}.", "The spare key is hidden at {place}."),
        changes=("Moved the spare key, it's at {place} now.",),
        asks=("Where is the spare key?", "Where did I put the second key?"),
    ),
    Fact(
        says=(
            "My interview with {firm} is {day} at {hour}.",
            "{firm} invited me for {day}, {hour}.",
        ),
        changes=("{firm} postponed the interview to {day}, {hour}.",),
        asks=("When is the interview at {firm}?", "What time does {firm} want to see me?"),
        label="the interview with {firm}",
    ),
    Fact(
        says=(
            "{name} and I want to hike near {city} on {day}.",
            "Planning a hike around {city} with {name}, {day}.",
        ),
        asks=("Who comes along on the hike?", "With whom am I going hiking near {city}?"),
        label="the hike near {city}",
    ),
    Fact(
        says=(
            "I prefer window seats because my knee hurts otherwise.",
            "On trains I always want a seat at the window.",
        ),
        asks=("Which seat should you book for me?", "Where do I like to sit on a train?"),
    ),
    Fact(
        says=("The wifi password of the cabin is {code}.", "Cabin wifi: {code}."),
        asks=("How do I get online in the cabin?", "What's the wireless password at the cabin?"),
    ),
    Fact(
        says=("I owe {name} {sum} for the concert tickets.", "{name} paid {sum} for my ticket."),
        changes=("Paid part of it back, I owe {name} {sum} now.",),
        asks=("How much money do I owe {name}?", "What do I have to pay back to {name}?"),
    ),
)

SMALL_TALK = (
    "Thanks, that helps.",
    "Good morning!",
    "Okay, one more thing later.",
    "What a day.",
    "I'm tired, the meeting took for ever.",
    "It is raining again here.",
    "Perfect, thank you!",
    "Can you give me a short tip for better sleep?",
    "How do I get red wine out of a shirt?",
    "Let me think about it.",
    "Sounds like a plan.",
    "What would you cook with two courgettes?",
    "Any idea how to sound friendlier in an email?",
    "Never mind, I found it.",
    "Haha, true.",
    "Which of the two words is more formal, purchase or buy?",
    "I'll come back to that tomorrow.",
    "Could you explain compound interest in two sentences?",
    "The bus was late again.",
    "Do you know a good podcast about history?",
    "That was a long week.",
    "Nice, I'll try that.",
)

BETWEEN = (
    "How many days are there between {a} and {b}?",
    "Which comes first, {a} or {b}?",
    "How long after {a} is {b}?",
    "Is {a} before or after {b}?",
)
