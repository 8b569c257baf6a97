# SPDX-License-Identifier: Apache-2.0
"""The parts of scripts/mxnet-clients: each check takes the stage and returns what it found, or raises Failure or Skip."""
