/* The buffer protocol: memoryview(tensor), np.frombuffer(tensor), read-only and without a copy.
 *
 * A view holds an alias of the tensor, so that a variable may get new storage while the view keeps the old. */
#include "python/binding.h"

#include "runtime/memory.h"

typedef struct {
    cnn_tensor *alias;
    Py_ssize_t shape[CNN_MAX_NDIM], strides[CNN_MAX_NDIM];
} export;

/* PEP 3118's letters, in native size and order. */
static char *const formats[CNN_DTYPE_COUNT] = {
    [CNN_BOOL] = "?",    [CNN_UINT8] = "B",   [CNN_INT32] = "i", [CNN_INT64] = sizeof(long) == 8 ? "l" : "q",
    [CNN_FLOAT32] = "f", [CNN_FLOAT64] = "d",
};

static int get_buffer(PyObject *object, Py_buffer *view, int flags)
{
    cnn_tensor *t = cnn_tensor_in(object);
    view->obj = NULL;
    if (flags & PyBUF_WRITABLE) {
        PyErr_SetString(PyExc_BufferError, "tensors are read-only; .numpy() gives a copy that can be written");
        return -1;
    }
    export *e = cnn_alloc(sizeof *e);
    cnn_status status = e ? cnn_tensor_view(t, &t->shape, &e->alias) : CNN_ERR_MEMORY;
    if (status != CNN_OK) {
        cnn_free(e);
        cnn_raise(status, "buffer");
        return -1;
    }
    Py_ssize_t stride = (Py_ssize_t)cnn_dtype_size(t->shape.dtype);
    for (int d = t->shape.ndim - 1; d >= 0; d--) {
        e->shape[d] = (Py_ssize_t)t->shape.dim[d];
        e->strides[d] = stride;
        stride *= e->shape[d] ? e->shape[d] : 1;
    }
    view->buf = e->alias->data;
    view->len = (Py_ssize_t)cnn_tensor_bytes(t);
    view->readonly = 1;
    view->itemsize = (Py_ssize_t)cnn_dtype_size(t->shape.dtype);
    view->format = flags & PyBUF_FORMAT ? formats[t->shape.dtype] : NULL;
    view->ndim = flags & PyBUF_ND ? t->shape.ndim : 1;
    view->shape = flags & PyBUF_ND ? e->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? e->strides : NULL;
    view->suboffsets = NULL;
    view->internal = e;
    view->obj = Py_NewRef(object);
    return 0;
}

static void release_buffer(PyObject *object, Py_buffer *view)
{
    export *e = view->internal;
    (void)object;
    cnn_tensor_release(e->alias);
    cnn_free(e);
}

PyType_Slot cnn_tensor_exchange_slots[] = {
    {Py_bf_getbuffer, get_buffer},
    {Py_bf_releasebuffer, release_buffer},
    {0, NULL},
};
