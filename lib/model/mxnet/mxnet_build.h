// SPDX-License-Identifier: Apache-2.0
/*
 * From a symbol, wherever it comes from, to a graph. What its variables stand for is asked for:
 * constants of a file or of arrays in memory, or inputs.
 */
#ifndef MODEL_MXNET_MXNET_BUILD_H
#define MODEL_MXNET_MXNET_BUILD_H

#include "base/arena.h"
#include "base/shared.h"
#include "model/mxnet/mxnet_operators.h"

enum variable_use { VARIABLE_INPUT, VARIABLE_CONSTANT };

/* What a variable stands for. Comes as an input of which nothing is known. */
struct mxnet_variable {
    enum variable_use use;
    cop_dtype dtype;       /* any; of an input it may stay open (COP_DTYPE_UNKNOWN) */
    struct shape shape;    /* of an input it may be unknown, or known in part */
    struct source *source; /* of a constant: one reference, which is taken over */
    size_t offset;         /* where its elements begin in there */
};

struct mxnet_binding {
    /*
     * Says what variable node `node` of the symbol is; asked once for each that inference reads, in
     * MXNet's order of inputs. `role` is that of its first use as a parameter, else SLOT_TENSOR.
     * NOT_FOUND, for a parameter, with a message such as "is not in x.params": which parameter of
     * which node it is will be put in front, and it becomes MALFORMED_MODEL.
     */
    cop_status (*bind)(void *user, int node, enum slot_role role, struct mxnet_variable *variable,
                       cop_error *error);
    void *user;
    const cop_dtype *head_dtypes;    /* one a head, to which it is cast where it differs; NULL: as
                                        computed. float16, bfloat16 and float64 are computed in
                                        float32 */
    int most_nodes;                  /* that the graph may have; 0: any number */
    bool is_for_inference_of_shapes; /* what cannot be mapped because of what is not known, or of
                                        how it is to be computed, has results of which nothing is
                                        known */
};

/* Zero-initialise, build, release. */
struct mxnet_built {
    struct graph *graph; /* whoever takes it over puts NULL here */
    /*
     * For each node of the symbol, the values of its outputs; COP_NO_VALUE for those that only
     * training has; none for nodes that inference does not need. A variable that is an input has
     * the input's value, whose name is made unique where the symbol's are not.
     */
    int **values;
    int *value_counts;
    struct arena arena; /* owns the lists above */
};

/*
 * Builds a symbol of the current version (cop_symbol_upgrade): entries lie in range, names may
 * repeat and be empty. Reading attributes leaves marks in the symbol, which do not matter later.
 * @return OK; MALFORMED_MODEL; UNSUPPORTED with everything that is; OUT_OF_MEMORY; what `bind`
 * says. `built` is to be released in any case
 */
COP_SHARED cop_status cop_mxnet_build(struct mxnet_symbol *symbol,
                                      const struct mxnet_binding *binding,
                                      struct mxnet_built *built, cop_error *error);
COP_SHARED void cop_mxnet_built_release(struct mxnet_built *built);

#endif
