# SPDX-License-Identifier: Apache-2.0
"""The wire between Unrender's processes. Import the modules; this package imports nothing by itself."""
