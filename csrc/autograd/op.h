/* An operation: its arguments, its shape rule, its forward and its backward, named by one descriptor.
 *
 * Each op lives in one file (layers/convolution.c, ops/reshape.c, losses/...), defines `const cnn_op cnn_op_NAME`, and
 * has one line in autograd/ops.def. Everything that calls ops (the tape, the Python binding, the tests) goes through
 * the descriptor. */
#ifndef CNN_AUTOGRAD_OP_H
#define CNN_AUTOGRAD_OP_H

#include "tensor/tensor.h"

#define CNN_MAX_OUTPUTS 4
#define CNN_MAX_AUX 4
#define CNN_MAX_INTS 24

/* ---- attributes: the arguments that are not tensors ---- */

typedef struct {
    int64_t count;
    int64_t at[CNN_MAX_INTS];
} cnn_ints;

typedef enum {
    CNN_ATTR_INT,   /* int64_t */
    CNN_ATTR_FLOAT, /* double */
    CNN_ATTR_BOOL,  /* bool */
    CNN_ATTR_ENUM,  /* int: index into `names` */
    CNN_ATTR_INTS,  /* cnn_ints; a single integer gives count 1 */
    CNN_ATTR_SEED,  /* uint64_t */
    CNN_ATTR_DTYPE, /* cnn_dtype, by NumPy's name */
} cnn_attr_kind;

typedef struct {
    const char *name;
    cnn_attr_kind kind;
    size_t offset;            /* in the op's own struct of attributes */
    const char *const *names; /* CNN_ATTR_ENUM: the spellings, NULL at the end */
} cnn_attr;

/* ---- one call of an op ---- */

typedef struct cnn_op cnn_op;

typedef struct {
    const cnn_op *op;
    const void *attrs;
    int inputs;
    cnn_tensor **in; /* an absent optional input is NULL. In backward, data is NULL unless the op keeps it. */

    /* Set by `check`: the shapes and dtypes of the outputs, and of what backward wants kept besides (`aux`). */
    cnn_shape out_shape[CNN_MAX_OUTPUTS];
    cnn_shape aux_shape[CNN_MAX_AUX];
    int aux_count;  /* starts at 0; set it only if `recording` */
    bool recording; /* a tape will keep this call for backward */

    cnn_tensor *out[CNN_MAX_OUTPUTS];
    cnn_tensor *aux[CNN_MAX_AUX];

    /* Backward only. */
    cnn_tensor *grad_out[CNN_MAX_OUTPUTS]; /* NULL: nothing flows back from this output; never all NULL */
    const bool *needs_grad;                /* per input */
    cnn_tensor **grad_in;                  /* to be set to a new reference for each input that needs it */
} cnn_call;

enum { CNN_KEEP_NOTHING = 0, CNN_KEEP_OUTPUT = 1u << 16 };
#define CNN_KEEP_INPUT(i) (1u << (i)) /* for variadic ops, bit 0 means all */

struct cnn_op {
    const char *name;
    const char *doc;                /* one paragraph: shapes, dtypes, formula */
    const char *const *input_names; /* max_inputs of them; a variadic op has one name for its list */
    int min_inputs, max_inputs;     /* inputs beyond min_inputs may be absent */
    bool variadic;                  /* one list of min_inputs or more tensors */
    int outputs;
    const cnn_attr *attrs;
    int attr_count;
    size_t attrs_size;
    const void *attr_defaults;
    unsigned keeps;     /* whose data backward reads: CNN_KEEP_INPUT(i) | CNN_KEEP_OUTPUT (all outputs) */
    bool makes_outputs; /* forward creates c->out itself (views); else they are allocated before it from out_shape */
    /* Checks the arguments and sets the shapes of the results. Nothing has been allocated yet. */
    cnn_status (*check)(cnn_call *c);
    cnn_status (*forward)(cnn_call *c);
    /* NULL: not differentiable; its results are constants to the tape. */
    cnn_status (*backward)(cnn_call *c);
};

/* Checks, allocates, computes and, if the current tape follows an input, records. On success OUT[0..op->outputs) hold
 * new references; on failure none. */
cnn_status cnn_op_apply(const cnn_op *op, const void *attrs, cnn_tensor **in, int inputs, cnn_tensor **out);

/* The place of the attribute NAME in the attributes ATTRS of OP; NULL if it has none of this name. */
void *cnn_attr_of(const cnn_op *op, void *attrs, const char *name);

/* All ops, ended by NULL. */
extern const cnn_op *const cnn_all_ops[];

/* In backward: a tensor for the gradient of an input that has the shape of output K: the incoming gradient itself
 * if nobody else holds it (then it may be overwritten element by element), else a new tensor. */
cnn_status cnn_grad_buffer(cnn_call *c, int k, cnn_tensor **out);

/* ---- checks that many ops share ---- */

/* Inputs A and B have one dtype, which is float32 or float64. */
cnn_status cnn_check_float(const cnn_call *c, int input);
cnn_status cnn_check_same_dtype(const cnn_call *c, int a, int b);
cnn_status cnn_check_ndim(const cnn_call *c, int input, int ndim, const char *layout);

#define CNN_IN(c, i) ((c)->in[i])
#define CNN_DIM(c, i, d) ((c)->in[i]->shape.dim[d])

#endif
