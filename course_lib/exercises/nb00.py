"""Exercises and quiz of 00_start_here."""

from .records import Exercise, Question

TITLE = "Start here"

EXERCISES = [
    Exercise(
        id="00.1",
        title="How many numbers make one image?",
        level=1,
        oracle=lambda: 28 * 28,
        why="28 rows of 28 pixels are 784 numbers: to the model, an image is one point in a space of 784 dimensions.",
        mistakes=[
            (28, "28 is one row of pixels. The image has 28 such rows."),
            (56, "28 + 28 counts one row and one column. Each of the 28 rows holds 28 pixels."),
            (256, "256 is how many grey levels one stored pixel can take. Count the pixels."),
            (10, "10 is the number of digits, the classes. Count the pixels of one image."),
            (4, "4 numbers are the latent code z that the decoder starts from. Count the pixels of what it draws."),
        ],
    ),
]

QUIZ = [
    Question(
        "What has the model drawn when it generates a digit?",
        [
            ("A training image, found again", "The nearest training image was shown beside it: they differ."),
            (
                "A new image, decoded from random numbers",
                "Right: z is drawn at random, and the decoder makes the image.",
            ),
            ("An average of all training images", "That would be one grey blur. The samples show every class."),
        ],
        1,
    ),
    Question(
        "Why does each claim name a baseline?",
        [
            ("So that the model looks good", "A weak baseline would do that. Here the baseline must fail the claim."),
            ("Because a bound that noise meets too shows nothing", "Right: a claim that nothing can fail is none."),
            ("To save time", "It costs time: the baseline is measured in the same way as the model."),
        ],
        1,
    ),
    Question(
        "A generator copies training images. Which of the three measures notices?",
        [
            ("The classifier's confidence", "Copies are real digits: the classifier is very confident."),
            ("The number of classes", "Copies show all ten classes."),
            (
                "The distance to the nearest training image",
                "Right: for copies it is 0, far below that of real new digits.",
            ),
        ],
        2,
    ),
    Question(
        "Which of these is a generative model's job?",
        [
            (
                "Telling whether an image shows a 3 or an 8",
                "That is classification. A generator can help, but it can do more.",
            ),
            ("Making a new image that could have been in the data", "Right: it models the data's own distribution."),
            ("Storing images in less space", "Compression is related, but here new images are wanted."),
        ],
        1,
    ),
]
