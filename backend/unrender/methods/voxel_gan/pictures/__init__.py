# SPDX-License-Identifier: Apache-2.0
"""Where pictures come from: the black box, folders and renders of objects; and how near generated ones are to them."""
