# SPDX-License-Identifier: Apache-2.0
"""From a grid to what the proxy is shown, and the exact sums that its gradient is held against."""
