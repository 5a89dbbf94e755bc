"""`script/reference`: write every page of the reference again."""

from script.pages import FOLDER, PAGES, renewed

for page in PAGES:
    file, text = FOLDER / f"{page}.md", renewed(page)
    if file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
        print(f"docs/reference/{page}.md has changed")
