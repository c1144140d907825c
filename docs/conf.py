"""Sphinx: how the course becomes a web site. `make site` assembles the pages, then builds them with this file."""

project = title = html_title = "Generative models, hands on"
language = "en"
extensions = ["myst_nb"]
exclude_patterns = ["downloads"]

nb_execution_mode = "off"  # the outputs are those that are stored
nb_ipywidgets_js = {}  # explorers are pictures here; their scripts would come from elsewhere
nb_code_prompt_show = "Show the solution"
nb_code_prompt_hide = "Hide the solution"
myst_enable_extensions = ["attrs_block", "dollarmath"]
myst_heading_anchors = 4

mathjax_path = "mathjax/tex-chtml-full.js"
mathjax3_config = {"options": {"enableMenu": False}}  # the menu would load parts that are not here

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_favicon = "_static/icon.svg"
html_use_index = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_copy_source = False  # a page's own link downloads the notebook as it is in the course
html_show_sphinx = html_show_copyright = False
html_theme_options = {
    "logo": {"image_light": "_static/icon.svg", "image_dark": "_static/icon.svg", "text": title},
    "navbar_persistent": [],
    "use_download_button": False,
    "search_bar_text": "Search the course",
    "footer_content_items": ["extra-footer.html"],
    "extra_footer": "Code under the MIT licence, text and figures under CC BY 4.0.",
}
