"""Program 5 in a browser: the visits that the book has pictures of."""

import pictures


def check(_book):
    pictures.visits(keep=lambda page, name: None)
    return f"{pictures.VISITS} visits in a browser, counted right"
