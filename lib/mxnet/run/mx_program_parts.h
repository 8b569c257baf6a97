// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share of a program, and nobody else needs. */
#ifndef MXNET_RUN_MX_PROGRAM_PARTS_H
#define MXNET_RUN_MX_PROGRAM_PARTS_H

#include <cachedop/cached_op.h>
#include <cachedop/model.h>

#include "base/hash.h"
#include "base/lock.h"
#include "mxnet/base/mx_epochs.h"
#include "mxnet/run/mx_program.h"

/* Compiled sets of parameters, and shapes of each, that a program keeps. */
#define COP_MX_MAX_BINDINGS  4
#define COP_MX_MAX_OPERATORS 32

/* So many sets of parameters in a row that were used once only: they are not worth packing. */
#define COP_MX_FRUITLESS_BINDINGS 16

enum mx_input_role {
    MX_INPUT_UNUSED, /* inference reads it nowhere */
    MX_INPUT_LABEL,  /* only its shape takes part */
    MX_INPUT_RUN_TIME,
    MX_INPUT_PARAMETER, /* packed */
};

struct mx_program_input {
    const char *name;
    int node;     /* in `order` */
    int computed; /* in `computed_order`; −1: not there */
    enum mx_input_role role;
};

struct mx_program_output {
    char *name;
    int node, index; /* in `order` */
    int input;       /* the input that it is; −1: computed */
};

/* A parameter as a binding has packed it. */
struct mx_packed {
    int input;
    struct mx_chunk *chunk; /* a reference is held */
    size_t offset_bytes;
    int type;
    struct shape shape;
    uint64_t version; /* the chunk's writes_begun */
    bool has_hash;    /* the client could write behind our back */
    struct hash hash; /* of the elements then */
};

/* One operator for one set of shapes. Immutable. */
struct mx_compiled {
    struct mx_retired retired;
    cop_cached_op *op;
    struct shape *key;     /* of the inputs that are no parameters, in the binding's order */
    struct shape *outputs; /* of computed outputs, in order */
    int *output_types;
    _Atomic uint64_t last_used; /* the program's tick; relaxed, for choosing what goes */
};

struct mx_compiled_list {
    struct mx_retired retired;
    int count;
    struct mx_compiled *compiled[];
};

/* An input that is no parameter, as a binding knows it. */
struct mx_bound_input {
    int input;
    int type;
    int rank;
    int graph_input; /* −1: a label, or one the graph does not read */
};

/* A model with the content of one set of parameters. Immutable but for its list of operators. */
struct mx_binding {
    struct mx_retired retired;
    struct mx_context context;
    int parameter_count, bound_count;
    struct mx_packed *parameters;
    struct mx_bound_input *bound;
    int graph_input_count, computed_count;
    bool is_for_one_shape; /* the graph was made for exactly the shapes of its first operator */
    cop_model *model;
    /* Written under the program's lock (sequentially consistent), read by readers inside an epoch.
     */
    _Atomic(struct mx_compiled_list *) operators;
    _Atomic uint64_t last_used; /* as mx_compiled.last_used */
    _Atomic bool was_found;     /* a later run found it; relaxed */
};

struct mx_binding_list {
    struct mx_retired retired;
    int count;
    struct mx_binding *bindings[];
};

struct mx_program {
    struct refcount refs;
    struct mx_symbol *symbol;   /* our copy; immutable */
    struct mx_order order;      /* of the symbol */
    struct mx_symbol *computed; /* the outputs that are no variables; NULL: none */
    struct mx_order computed_order;
    int input_count, output_count, computed_count;
    struct mx_program_input *inputs;
    struct mx_program_output *outputs;
    bool trains_differently;
    struct lock lock; /* of those who compile */
    /* Guarded by the lock; readers inside an epoch load `bindings` (sequentially consistent). */
    struct mx_epochs epochs;
    _Atomic(struct mx_binding_list *) bindings;
    _Atomic uint64_t tick;      /* counts compilations; written under the lock, read relaxed */
    _Atomic bool packs_nothing; /* parameters change all the time; set once, read relaxed */
    int fruitless_count, most_operators;
    size_t bindings_made, operators_made;
};

/* The context of a run: that of the first array that has one. */
struct mx_context cop_mx_run_context(const struct mx_program *program, struct mx_array *const *src);

/* mx_binding.c: everything here under the program's lock. `src` are all inputs. */
cop_status cop_mx_binding_create(struct mx_program *program, struct mx_array *const *src,
                                 struct mx_binding **binding, cop_error *error);
void cop_mx_binding_destroy(struct mx_binding *binding); /* NULL allowed */
/* Whether the parameters were written since. */
bool cop_mx_binding_is_stale(const struct mx_binding *binding);

/* mx_compile.c */
cop_status cop_mx_compile(struct mx_program *program, struct mx_binding *binding,
                          struct mx_array *const *src, struct mx_compiled **compiled,
                          cop_error *error);
void cop_mx_compiled_destroy(struct mx_compiled *compiled);

/* mx_lookup.c. Whether the parameters are what the binding has packed. */
bool cop_mx_binding_is_current(const struct mx_binding *binding, struct mx_array *const *src);

/* Inside an epoch, or under the lock. NULL: there is none. */
struct mx_binding *cop_mx_find_binding(struct mx_program *program, struct mx_array *const *src);
struct mx_compiled *cop_mx_find_compiled(struct mx_program *program, struct mx_binding *binding,
                                         struct mx_array *const *src);

/*
 * Compiles what is missing. On success the caller is inside the epoch `*reader`, and what was found
 * stays until it leaves.
 */
cop_status cop_mx_make_compiled(struct mx_program *program, struct mx_array *const *src,
                                struct mx_reader *reader, struct mx_binding **binding,
                                struct mx_compiled **compiled, cop_error *error);

/* mx_content.c: the bytes of a parameter. */
cop_status cop_mx_content_hash(const struct mx_array *array, struct hash *hash, cop_error *error);
cop_status cop_mx_content_source(const struct mx_array *array, const char *name, uint64_t version,
                                 struct source **source, cop_error *error);
/* The chunk's version at a moment when nobody is about to write it. */
cop_status cop_mx_stable_version(const struct mx_array *array, uint64_t *version, cop_error *error);

/* mx_engine.c: whether invocations of a context run behind the caller; INVALID_ARGUMENT for an
 * environment that says nonsense. */
cop_status cop_mx_runs_behind(struct mx_context context, bool *behind, cop_error *error);
/* Invocations of one operator that are worth running at once. */
int cop_mx_worthwhile_contexts(void);

#endif
