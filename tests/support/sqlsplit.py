"""Splits a psql-like script into statements, with the data that follows COPY ... FROM STDIN."""
import re

_TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<line>--[^\n]*)
  | (?P<block>/\*)
  | (?P<estr>[eE]'(?:[^'\\]|\\.|'')*'?)
  | (?P<str>'(?:[^']|'')*'?)
  | (?P<ident>"(?:[^"]|"")*"?)
  | (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$)
  | (?P<word>[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*)
  | (?P<semi>;) | (?P<other>.)
""", re.X | re.S)

_COPY_IN = re.compile(r'^\s*copy\b.*\bfrom\s+stdin\b', re.I | re.S)


def _skip_block_comment(text, at):
    depth = 1
    while depth and at < len(text):
        if text.startswith('/*', at):
            depth, at = depth + 1, at + 2
        elif text.startswith('*/', at):
            depth, at = depth - 1, at + 2
        else:
            at += 1
    return at


class Statement:
    def __init__(self, text, line, data=None):
        self.text, self.line, self.data = text, line, data


def split(text):
    """Yields Statement objects. Comments before a statement are dropped; its text is otherwise as written."""
    at, start = 0, None
    while at < len(text):
        m = _TOKEN.match(text, at)
        kind, at = m.lastgroup, m.end()
        if kind == 'tag':
            kind = 'dollar'
        if kind == 'block':
            at = _skip_block_comment(text, at)
            continue
        if kind in ('space', 'line'):
            continue
        if kind == 'semi':
            if start is not None:
                statement = text[start:m.start()]
                line = text.count('\n', 0, start) + 1
                data = None
                if _COPY_IN.match(statement):
                    end_of_line = text.find('\n', at) + 1
                    end = re.compile(r'^\\\.$', re.M).search(text, end_of_line)
                    data = text[end_of_line:end.start()].encode()
                    at = end.end()
                yield Statement(statement, line, data)
            start = None
            continue
        if start is None:
            start = m.start()
        if kind == 'dollar':
            end = text.find(m.group('dollar'), at)
            at = len(text) if end < 0 else end + len(m.group('dollar'))
    if start is not None and text[start:].strip():
        yield Statement(text[start:].rstrip(), text.count('\n', 0, start) + 1)
