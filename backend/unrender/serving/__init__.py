# SPDX-License-Identifier: Apache-2.0
"""The backend as a server: jobs in processes of their own, a ledger that survives, and who may connect."""
