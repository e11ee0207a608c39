/* DLPack both ways: tensors to and from other libraries without a copy.
 *
 * Out: whoever asks for version 1 gets our memory, marked read-only. The old capsule has no such mark, so it gets a
 * copy, in which the other side may write as it likes. In: contiguous, aligned memory of a dtype of ours is shared and
 * kept alive; anything else is copied. Only memory of the processor. */
#include "python/dlpack.h"
#include "python/binding.h"

#include "runtime/memory.h"

#include <string.h>

#define PLAIN "dltensor"
#define VERSIONED "dltensor_versioned"

/* ---- out ---- */

typedef struct {
    cnn_tensor *alias;
    int64_t shape[CNN_MAX_NDIM], strides[CNN_MAX_NDIM];
    union {
        dl_managed plain;
        dl_managed_versioned versioned;
    } managed;
} lent;

static void give_back(lent *l)
{
    cnn_tensor_release(l->alias);
    cnn_free(l);
}

static void delete_plain(dl_managed *self)
{
    give_back(self->context);
}

static void delete_versioned(dl_managed_versioned *self)
{
    give_back(self->context);
}

/* A capsule that nobody consumed still has its first name. */
static void destroy_capsule(PyObject *capsule)
{
    if (PyCapsule_IsValid(capsule, PLAIN)) {
        dl_managed *m = PyCapsule_GetPointer(capsule, PLAIN);
        m->deleter(m);
    } else if (PyCapsule_IsValid(capsule, VERSIONED)) {
        dl_managed_versioned *m = PyCapsule_GetPointer(capsule, VERSIONED);
        m->deleter(m);
    }
}

static void describe(lent *l, dl_tensor *d)
{
    static const uint8_t codes[CNN_DTYPE_COUNT] = {[CNN_BOOL] = DL_BOOL,     [CNN_UINT8] = DL_UINT,
                                                   [CNN_INT32] = DL_INT,     [CNN_INT64] = DL_INT,
                                                   [CNN_FLOAT32] = DL_FLOAT, [CNN_FLOAT64] = DL_FLOAT};
    const cnn_shape *s = &l->alias->shape;
    int64_t stride = 1;
    for (int i = s->ndim - 1; i >= 0; i--) {
        l->shape[i] = s->dim[i];
        l->strides[i] = stride;
        stride *= s->dim[i] ? s->dim[i] : 1;
    }
    d->data = l->alias->data;
    d->device.type = DL_CPU;
    d->device.id = 0;
    d->ndim = s->ndim;
    d->dtype.code = codes[s->dtype];
    d->dtype.bits = (uint8_t)(8 * cnn_dtype_size(s->dtype));
    d->dtype.lanes = 1;
    d->shape = l->shape;
    d->strides = l->strides;
    d->byte_offset = 0;
}

static PyObject *lend(cnn_tensor *t, bool versioned, bool copy)
{
    lent *l = cnn_alloc_zero(sizeof *l);
    cnn_status status = !l     ? CNN_ERR_MEMORY
                        : copy ? cnn_tensor_copy(t, &l->alias)
                               : cnn_tensor_view(t, &t->shape, &l->alias);
    if (status != CNN_OK) {
        cnn_free(l);
        return cnn_raise(status, "__dlpack__");
    }
    PyObject *capsule;
    if (versioned) {
        dl_managed_versioned *m = &l->managed.versioned;
        m->version.major = DL_MAJOR;
        m->version.minor = DL_MINOR;
        m->context = l;
        m->deleter = delete_versioned;
        m->flags = copy ? DL_IS_COPIED : DL_READ_ONLY;
        describe(l, &m->tensor);
        capsule = PyCapsule_New(m, VERSIONED, destroy_capsule);
    } else {
        dl_managed *m = &l->managed.plain;
        m->context = l;
        m->deleter = delete_plain;
        describe(l, &m->tensor);
        capsule = PyCapsule_New(m, PLAIN, destroy_capsule);
    }
    if (!capsule) give_back(l);
    return capsule;
}

static bool is_cpu(PyObject *device)
{
    return PyTuple_Check(device) && PyTuple_GET_SIZE(device) == 2 && PyLong_Check(PyTuple_GET_ITEM(device, 0)) &&
           PyLong_AsLong(PyTuple_GET_ITEM(device, 0)) == DL_CPU;
}

PyObject *cnn_tensor_dlpack(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"stream", "max_version", "dl_device", "copy", NULL};
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy_object = Py_None;
    int copy;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOO:__dlpack__", names, &stream, &version, &device,
                                     &copy_object))
        return NULL;
    if (stream != Py_None)
        return PyErr_Format(PyExc_BufferError, "__dlpack__: stream must be None for memory of the processor, got %R",
                            stream);
    if (device != Py_None && !is_cpu(device)) {
        if (PyErr_Occurred()) PyErr_Clear();
        return PyErr_Format(PyExc_BufferError,
                            "__dlpack__: tensors live on the processor, device (1, 0); got dl_device=%R", device);
    }
    if (cnn_copy_from_object(copy_object, "__dlpack__", &copy) < 0) return NULL;
    bool versioned = false;
    if (version != Py_None) {
        long major;
        if (!PyTuple_Check(version) || PyTuple_GET_SIZE(version) < 1 ||
            ((major = PyLong_AsLong(PyTuple_GET_ITEM(version, 0))) == -1 && PyErr_Occurred())) {
            PyErr_Clear();
            return PyErr_Format(PyExc_TypeError, "__dlpack__: max_version must be a tuple (major, minor), got %R",
                                version);
        }
        versioned = major >= 1;
    }
    if (!versioned && copy == CNN_COPY_NEVER) {
        PyErr_SetString(PyExc_BufferError,
                        "__dlpack__: tensors are read-only, which only a capsule of version 1 can say; pass "
                        "max_version=(1, 0), or allow a copy");
        return NULL;
    }
    return lend(cnn_tensor_in(self), versioned, copy == CNN_COPY_ALWAYS || !versioned);
}

PyObject *cnn_tensor_dlpack_device(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return Py_BuildValue("(ii)", DL_CPU, 0);
}

/* ---- in ---- */

static void release_plain(void *managed)
{
    PyGILState_STATE gil = PyGILState_Ensure(); /* the producer may need it, and the last tensor may go in any thread */
    dl_managed *m = managed;
    if (m->deleter) m->deleter(m);
    PyGILState_Release(gil);
}

static void release_versioned(void *managed)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    dl_managed_versioned *m = managed;
    if (m->deleter) m->deleter(m);
    PyGILState_Release(gil);
}

static cnn_status dtype_of(const dl_tensor *d, cnn_dtype *dtype)
{
    int code = d->dtype.code, bits = d->dtype.bits;
    if (d->dtype.lanes == 1) {
        for (int i = 0; i < CNN_DTYPE_COUNT; i++) {
            *dtype = (cnn_dtype)i;
            int kind = cnn_dtype_is_float(*dtype) ? DL_FLOAT
                       : i == CNN_BOOL            ? DL_BOOL
                       : i == CNN_UINT8           ? DL_UINT
                                                  : DL_INT;
            if (kind == code && bits == (int)(8 * cnn_dtype_size(*dtype))) return CNN_OK;
        }
    }
    return cnn_fail(
        CNN_ERR_TYPE,
        "DLPack type code %d of %d bits and %d lanes is not one of float32, float64, uint8, int32, int64, bool; "
        "convert it on the other side",
        code, bits, d->dtype.lanes);
}

/* Copies the strided elements at FROM to the contiguous *TO, dimension D and inwards. */
static void copy_strided(const dl_tensor *d, int dim, const char *from, size_t item, char **to)
{
    if (dim == d->ndim) {
        memcpy(*to, from, item);
        *to += item;
        return;
    }
    for (int64_t i = 0; i < d->shape[dim]; i++)
        copy_strided(d, dim + 1, from + i * d->strides[dim] * (int64_t)item, item, to);
}

static bool is_contiguous(const dl_tensor *d)
{
    int64_t stride = 1;
    for (int i = d->ndim - 1; d->strides && i >= 0; i--) {
        if (d->shape[i] == 0) return true;
        if (d->shape[i] != 1 && d->strides[i] != stride) return false;
        stride *= d->shape[i];
    }
    return true;
}

/* A tensor over D. *TAKEN tells whether it will call RELEASE(OWNER); else it is a copy. */
static cnn_status adopt(const dl_tensor *d, int copy, void (*release)(void *), void *owner, cnn_tensor **out,
                        bool *taken)
{
    cnn_shape shape = {CNN_FLOAT32, d->ndim, {0}};
    int64_t size;
    *taken = false;
    if (d->device.type != DL_CPU)
        return cnn_fail(CNN_ERR_VALUE, "the object's memory is on device %d; move it to the processor first",
                        (int)d->device.type);
    CNN_TRY(dtype_of(d, &shape.dtype));
    if (d->ndim < 0 || d->ndim > CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions, the object has %d", CNN_MAX_NDIM,
                        (int)d->ndim);
    for (int i = 0; i < d->ndim; i++) shape.dim[i] = d->shape[i];
    CNN_TRY(cnn_shape_size(&shape, &size));
    size_t item = cnn_dtype_size(shape.dtype);
    char *data = d->data ? (char *)d->data + d->byte_offset : NULL;
    bool shares = is_contiguous(d) && data && (uintptr_t)data % item == 0;
    if (shares && copy != CNN_COPY_ALWAYS) {
        CNN_TRY(cnn_tensor_wrap(&shape, data, release, owner, out));
        *taken = true;
        return CNN_OK;
    }
    if (copy == CNN_COPY_NEVER && size)
        return cnn_fail(CNN_ERR_VALUE,
                        "copy=False was asked for, but memory that is not contiguous and aligned needs a copy");
    CNN_TRY(cnn_tensor_new(&shape, out));
    char *to = (*out)->data;
    if (size && is_contiguous(d)) memcpy(to, data, (size_t)size * item);
    else if (size) copy_strided(d, 0, data, item, &to);
    return CNN_OK;
}

static PyObject *ask(PyObject *object)
{
    PyObject *method = PyObject_GetAttrString(object, "__dlpack__");
    PyObject *none = method ? PyTuple_New(0) : NULL;
    PyObject *options = none ? Py_BuildValue("{s:(ii)}", "max_version", DL_MAJOR, DL_MINOR) : NULL;
    PyObject *capsule = options ? PyObject_Call(method, none, options) : NULL;
    if (!capsule && options && PyErr_ExceptionMatches(PyExc_TypeError)) { /* a producer from before version 1 */
        PyErr_Clear();
        capsule = PyObject_Call(method, none, NULL);
    }
    Py_XDECREF(method);
    Py_XDECREF(none);
    Py_XDECREF(options);
    return capsule;
}

static cnn_status check_device(PyObject *object)
{
    PyObject *device = PyObject_CallMethod(object, "__dlpack_device__", NULL);
    if (!device) return CNN_ERR_TYPE;
    bool ok = is_cpu(device);
    Py_DECREF(device);
    if (ok) return CNN_OK;
    PyErr_Clear();
    return cnn_fail(CNN_ERR_VALUE, "the object's memory is not on the processor; move it there first");
}

cnn_status cnn_tensor_from_dlpack(PyObject *object, PyObject *copy_object, cnn_tensor **out)
{
    int copy;
    bool taken = false;
    *out = NULL;
    if (cnn_copy_from_object(copy_object, "from_dlpack", &copy) < 0) return CNN_ERR_TYPE;
    if (!PyObject_HasAttrString(object, "__dlpack__") || !PyObject_HasAttrString(object, "__dlpack_device__"))
        return cnn_fail(CNN_ERR_TYPE, "a %s has no __dlpack__ and __dlpack_device__", Py_TYPE(object)->tp_name);
    CNN_TRY(check_device(object));
    PyObject *capsule = ask(object);
    if (!capsule) return CNN_ERR_VALUE;
    cnn_status status;
    if (PyCapsule_IsValid(capsule, VERSIONED)) {
        dl_managed_versioned *m = PyCapsule_GetPointer(capsule, VERSIONED);
        if (m->version.major != DL_MAJOR)
            status =
                cnn_fail(CNN_ERR_VALUE, "DLPack version %u.%u is not known here", m->version.major, m->version.minor);
        else status = adopt(&m->tensor, copy, release_versioned, m, out, &taken);
        if (taken) PyCapsule_SetName(capsule, "used_" VERSIONED);
    } else if (PyCapsule_IsValid(capsule, PLAIN)) {
        dl_managed *m = PyCapsule_GetPointer(capsule, PLAIN);
        status = adopt(&m->tensor, copy, release_plain, m, out, &taken);
        if (taken) PyCapsule_SetName(capsule, "used_" PLAIN);
    } else {
        status = cnn_fail(CNN_ERR_TYPE, "__dlpack__ of %s gave no DLPack capsule", Py_TYPE(object)->tp_name);
    }
    Py_DECREF(capsule); /* one that was not taken is given back by its destructor */
    return status;
}

static PyObject *from_dlpack(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"x", "device", "copy", NULL};
    PyObject *object, *device = Py_None, *copy = Py_None;
    cnn_tensor *t;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$OO:from_dlpack", names, &object, &device, &copy)) return NULL;
    if (device != Py_None && !(PyUnicode_Check(device) && PyUnicode_CompareWithASCIIString(device, "cpu") == 0))
        return PyErr_Format(PyExc_ValueError, "from_dlpack: device must be None or 'cpu', got %R", device);
    cnn_status status = cnn_tensor_from_dlpack(object, copy, &t);
    return status == CNN_OK ? cnn_wrap_tensor(PyModule_GetState(module), t) : cnn_raise(status, "from_dlpack");
}

static PyMethodDef functions[] = {
    {"from_dlpack", (PyCFunction)(void (*)(void))from_dlpack, METH_VARARGS | METH_KEYWORDS,
     "from_dlpack(x, *, device=None, copy=None)\n--\n\n"
     "A Tensor over the memory of an object with __dlpack__ (NumPy, PyTorch, ...), which it keeps alive. copy=None "
     "copies only "
     "memory that is not contiguous and aligned; True always; False raises ValueError where it would have to."},
    {NULL, NULL, 0, NULL},
};

int cnn_add_dlpack_functions(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
