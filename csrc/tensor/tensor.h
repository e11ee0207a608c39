/* Tensors: contiguous, row-major, reference-counted arrays of up to 8 dimensions. Images are NHWC.
 *
 * A tensor is a shape over a storage; several tensors may share one storage (reshape, alias). Tensors are values:
 * after it is filled, a tensor's data is not changed, except by an owner that is alone with it
 * (cnn_tensor_is_exclusive). A variable is a tensor whose storage is replaced or, if exclusive, overwritten. */
#ifndef CNN_TENSOR_TENSOR_H
#define CNN_TENSOR_TENSOR_H

#include "kernels/types.h" /* cnn_dtype */
#include "runtime/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CNN_MAX_NDIM 8

size_t cnn_dtype_size(cnn_dtype dtype);
const char *cnn_dtype_name(cnn_dtype dtype); /* NumPy's name, e.g. "float32" */
static inline bool cnn_dtype_is_float(cnn_dtype dtype)
{
    return dtype == CNN_FLOAT32 || dtype == CNN_FLOAT64;
}

typedef struct {
    cnn_dtype dtype;
    int ndim;
    int64_t dim[CNN_MAX_NDIM];
} cnn_shape;

typedef struct cnn_storage {
    atomic_long references;
    void *data;
    size_t bytes;
    void (*release)(void *owner); /* NULL: the data are in the storage's own block */
    void *owner;
} cnn_storage;

typedef struct cnn_tensor {
    atomic_long references;
    cnn_storage *storage; /* NULL: only the shape is known (an input that backward does not read) */
    void *data;
    int64_t size; /* number of elements */
    cnn_shape shape;
    bool trainable;            /* a variable that tapes watch of themselves */
    bool variable;             /* its storage may be replaced or overwritten */
    void *owner;               /* the binding's object that stands for this variable */
    struct cnn_tensor *origin; /* the variable whose values of a moment these are (cnn_tensor_today), else NULL */
    struct cnn_tensor *logits; /* what a softmax (over the last axis) or sigmoid made this of, else NULL */
    cnn_activation logits_of;  /* which of the two, if so */
    int32_t slot;              /* its gradient's place on the tape `tape_id` */
    uint64_t tape_id;          /* 0: no tape follows it */
} cnn_tensor;

/* Number of elements of SHAPE; fails on a negative dimension, more than 8 dimensions, or more than 2^46 bytes. */
cnn_status cnn_shape_size(const cnn_shape *shape, int64_t *size);
bool cnn_shape_equal(const cnn_shape *a, const cnn_shape *b); /* dimensions only, not the dtype */
/* Writes "(32, 28, 28, 1)" into BUFFER and returns it. */
#define CNN_SHAPE_TEXT 200
const char *cnn_shape_text(const cnn_shape *shape, char buffer[CNN_SHAPE_TEXT]);

/* A new tensor with undefined contents (..._zeros: zeros). On failure *OUT is NULL. */
cnn_status cnn_tensor_new(const cnn_shape *shape, cnn_tensor **out);
cnn_status cnn_tensor_zeros(const cnn_shape *shape, cnn_tensor **out);
/* A tensor over foreign memory; RELEASE(OWNER) is called when the last tensor over it goes. Not called on failure. */
cnn_status cnn_tensor_wrap(const cnn_shape *shape, void *data, void (*release)(void *), void *owner, cnn_tensor **out);
/* Another shape (of at most as many elements, same dtype) over the storage of T. */
cnn_status cnn_tensor_view(cnn_tensor *t, const cnn_shape *shape, cnn_tensor **out);
/* The values that the variable T has now: a view that keeps them, whatever is assigned meanwhile and in whichever
 * thread, and that tapes take for T itself. Of a tensor that is no variable: itself, retained. */
cnn_status cnn_tensor_today(cnn_tensor *t, cnn_tensor **out);
/* The shape of T without its data. */
cnn_status cnn_tensor_ghost(const cnn_tensor *t, cnn_tensor **out);
/* A copy with its own storage. */
cnn_status cnn_tensor_copy(const cnn_tensor *t, cnn_tensor **out);

cnn_tensor *cnn_tensor_retain(cnn_tensor *t); /* returns T; NULL is allowed */
void cnn_tensor_release(cnn_tensor *t);       /* NULL is allowed */

cnn_storage *cnn_storage_retain(cnn_storage *storage); /* returns STORAGE; NULL is allowed, as below */
void cnn_storage_release(cnn_storage *storage);

/* Notes that ACT, a softmax over the last axis or a sigmoid, made T of LOGITS: a cross-entropy then starts from these,
 * where no probability is rounded to 0 or 1. Chains are not kept, so that what T holds on to is bounded. */
void cnn_tensor_set_logits(cnn_tensor *t, cnn_activation act, cnn_tensor *logits);

/* True if nobody else can see the data of T: one reference to it, one to its storage, and the memory is ours. */
bool cnn_tensor_is_exclusive(const cnn_tensor *t);
/* True if writing into T's storage is seen only through T, however many hold T itself (for variables). */
bool cnn_tensor_owns_storage(const cnn_tensor *t);
/* Gives T the storage of VALUE (same shape and dtype), which stays shared with VALUE. Safe beside cnn_tensor_today and
 * cnn_tensor_view in other threads. */
void cnn_tensor_set_storage(cnn_tensor *t, cnn_tensor *value);

static inline size_t cnn_tensor_bytes(const cnn_tensor *t)
{
    return (size_t)t->size * cnn_dtype_size(t->shape.dtype);
}

#endif
