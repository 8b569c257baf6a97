// SPDX-License-Identifier: Apache-2.0
/*
 * Passes: each rewrites a graph whose shapes are known into one that computes the same with less.
 *
 * Floating-point weights are never computed here: a pass adds nodes over weights, recipes that run
 * when weights are packed. Constant folding as such needs no pass: nodes over constants are recipes
 * already, and elements that integers decide are known from shape inference.
 */
#ifndef PASSES_PASSES_H
#define PASSES_PASSES_H

#include <stdbool.h>

#include "graph/graph.h"

/* Runs all passes, or with `keep_graph` only those without which a graph cannot be compiled. */
cop_status cop_passes_run(struct graph *graph, bool keep_graph, cop_error *error);

#endif
