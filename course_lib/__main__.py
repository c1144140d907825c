"""`python -m course_lib`: the environment card, versions that nobody tested, and the table of notebooks."""

from .data import names, where
from .exercises import catalogue
from .exercises.progress import load_progress
from .runtime import environment, untested


def main() -> None:
    card = environment() | {f"data: {name}": where(name) for name in names()}
    width = max(map(len, card))
    print("\n".join(f"{key:{width}}  {value}" for key, value in card.items()))
    if odd := untested():
        print("\nOutside the tested range")
        print("\n".join(f"  {package}  {what}" for package, what in odd.items()))
    print("\nNotebooks")
    stored = load_progress()
    for number, module in catalogue().items():
        right = sum(stored.get(e.id, {}).get("status") == "right" for e in module.EXERCISES)
        print(f"  {number}  {module.TITLE:44} {right} of {len(module.EXERCISES)} exercises right")


if __name__ == "__main__":
    main()
