// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share and nobody else needs. */
#ifndef GRAPH_GRAPH_PARTS_H
#define GRAPH_GRAPH_PARTS_H

#include "graph/graph.h"

/* Says which weight a value is, from its constant, its elements or the sources of its producer. */
void cop_graph_find_weight(struct graph *graph, int value);

/* Puts "node 'conv3' (Convolution): " in front of the message. */
cop_status cop_graph_name_node(const struct graph *graph, int node, cop_status status,
                               cop_error *error);

#endif
