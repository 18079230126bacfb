# SPDX-License-Identifier: Apache-2.0
"""What is measured of a trained model: figures, records, and the page that shows them."""
