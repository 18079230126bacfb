# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of translations, one file per language: English text -> translated text.

In texts that are put together at run time, `{}` or `{name}` stands for what is filled in; both sides have the same.
"""
