"""Lists of words and a text: first names that come with the course, a larger list and tiny Shakespeare, downloaded."""

from .files import File, fetch_all, matches, shipped

CENSUS = File("census_names.txt", "sha256:cba14f452b7768bd7fe093035a67491d4a334061634ccfd51522fb796910e75e")
DOWNLOADS = {
    "names": (
        File("names.txt", "sha256:0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"),
        ("https://raw.githubusercontent.com/karpathy/makemore/master/",),
    ),
    "shakespeare": (
        File("input.txt", "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
        ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",),
    ),
}
LISTS = ("census_names", "names")
TEXTS = ("shakespeare",)


def words(name: str = "census_names") -> list[str]:
    """A list of words in lower case, a to z.

    "census_names" (5,163 first names of the US Census 1990, sorted) comes with the course. "names" (32,033 first names
    of US births, by frequency; the list of the published bigram figures) is downloaded once into the cache folder
    (COURSE_DATA, if set), verified, and found there from then on.

    Raises:
        ValueError: an unknown name.
        ConnectionError: not in the cache and no mirror could be reached.
    """
    if name not in LISTS:
        raise ValueError(f"there is no word list {name!r}; there are {', '.join(LISTS)}")
    content = _embedded() if name == "census_names" else _downloaded(name)
    return content.decode().split()


def text(name: str = "shakespeare") -> str:
    """A text as it was published, line ends and all.

    "shakespeare" (1,115,394 characters of the plays, 65 different ones; the "tiny Shakespeare" of the published
    figures) is downloaded once into the cache folder (COURSE_DATA, if set), verified, and found there from then on.

    Raises:
        ValueError: an unknown name.
        ConnectionError: not in the cache and no mirror could be reached.
    """
    if name not in TEXTS:
        raise ValueError(f"there is no text {name!r}; there is {', '.join(TEXTS)}")
    return _downloaded(name).decode()


def _downloaded(name: str) -> bytes:
    file, mirrors = DOWNLOADS[name]
    (content,) = fetch_all(name, [file], mirrors, "words('census_names')")
    return content


def _embedded() -> bytes:
    content = shipped(CENSUS.name).read_bytes().replace(b"\r\n", b"\n")  # git may write Windows line ends
    if not matches(content, CENSUS.checksum):
        raise ValueError("the embedded names are damaged; install course_lib again or restore data/census_names.txt")
    return content
