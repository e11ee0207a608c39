/* NumPy arrays, scalars, lists and whatever offers its memory to tensors, and back.
 *
 * NumPy does the discovery (buffers, __array__, __array_interface__, nested lists) and the copying of strided,
 * byte-swapped or unaligned data. Python's numbers do not pass through NumPy: they are the second operand of most
 * arithmetic. A conversion that fails inside NumPy leaves NumPy's exception, which cnn_raise then keeps. */
#include "python/binding.h"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>

#include <math.h>
#include <string.h>

static const int numpy_types[CNN_DTYPE_COUNT] = {
    [CNN_BOOL] = NPY_BOOL,   [CNN_UINT8] = NPY_UINT8,     [CNN_INT32] = NPY_INT32,
    [CNN_INT64] = NPY_INT64, [CNN_FLOAT32] = NPY_FLOAT32, [CNN_FLOAT64] = NPY_FLOAT64,
};

int cnn_convert_init(void)
{
    return PyArray_ImportNumPyAPI();
}

/* The dtype that holds all values of NumPy type NUMBER (64-bit unsigned ones: as far as they fit). */
static bool dtype_for(int number, cnn_dtype *out)
{
    switch (number) {
    case NPY_BOOL: *out = CNN_BOOL; return true;
    case NPY_UINT8: *out = CNN_UINT8; return true;
    case NPY_INT8:
    case NPY_INT16:
    case NPY_UINT16:
    case NPY_INT32: *out = CNN_INT32; return true;
    case NPY_HALF:
    case NPY_FLOAT32: *out = CNN_FLOAT32; return true;
    case NPY_FLOAT64:
    case NPY_LONGDOUBLE: *out = CNN_FLOAT64; return true;
    default: break;
    }
    if (PyTypeNum_ISINTEGER(number)) {
        *out = CNN_INT64;
        return true;
    }
    return false;
}

int cnn_dtype_from_object(PyObject *object, cnn_dtype *out)
{
    PyArray_Descr *descr = NULL;
    if (PyUnicode_Check(object)) {
        const char *name = PyUnicode_AsUTF8(object);
        for (int i = 0; name && i < CNN_DTYPE_COUNT; i++)
            if (strcmp(cnn_dtype_name((cnn_dtype)i), name) == 0) {
                *out = (cnn_dtype)i;
                return 0;
            }
    }
    if (object != Py_None && PyArray_DescrConverter(object, &descr) && descr) {
        int number = descr->type_num;
        bool known = dtype_for(number, out) && PyArray_EquivTypenums(numpy_types[*out], number) &&
                     PyArray_ISNBO(descr->byteorder);
        Py_DECREF(descr);
        if (known) return 0;
    }
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "dtype must be one of float32, float64, uint8, int32, int64, bool, got %R", object);
    return -1;
}

/* ---- arrays ---- */

static void release_object(void *owner)
{
    PyGILState_STATE gil = PyGILState_Ensure(); /* the last tensor may go in any thread */
    Py_DECREF((PyObject *)owner);
    PyGILState_Release(gil);
}

static cnn_status shape_of_array(PyArrayObject *array, cnn_shape *shape)
{
    shape->ndim = PyArray_NDIM(array);
    if (shape->ndim > CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions, the array has %d", CNN_MAX_NDIM,
                        shape->ndim);
    for (int i = 0; i < shape->ndim; i++) shape->dim[i] = PyArray_DIM(array, i);
    return CNN_OK;
}

static cnn_status fail_dtype(PyArrayObject *array)
{
    PyObject *name = PyObject_Str((PyObject *)PyArray_DESCR(array));
    const char *text = name ? PyUnicode_AsUTF8(name) : NULL;
    if (!text) PyErr_Clear();
    cnn_status status = cnn_fail(CNN_ERR_TYPE,
                                 "values of dtype %s cannot become tensors; convert them to float32, float64, uint8, "
                                 "int32, int64 or bool first",
                                 text ? text : "unknown");
    Py_XDECREF(name);
    return status;
}

/* Copies (and converts) ARRAY into the new tensor T. */
static cnn_status fill_from_array(cnn_tensor *t, PyArrayObject *array)
{
    npy_intp dims[CNN_MAX_NDIM];
    int number = PyArray_TYPE(array);
    for (int i = 0; i < t->shape.ndim; i++) dims[i] = (npy_intp)t->shape.dim[i];
    PyObject *target = PyArray_SimpleNewFromData(t->shape.ndim, dims, numpy_types[t->shape.dtype], t->data);
    int failed = !target || PyArray_CopyInto((PyArrayObject *)target, array) < 0;
    Py_XDECREF(target);
    if (failed) return cnn_fail(CNN_ERR_VALUE, "the array could not be converted");
    if (t->shape.dtype == CNN_INT64 && PyTypeNum_ISUNSIGNED(number) && PyArray_ITEMSIZE(array) == 8)
        for (int64_t i = 0; i < t->size; i++)
            if (((int64_t *)t->data)[i] < 0)
                return cnn_fail(CNN_ERR_VALUE,
                                "the uint64 array holds a value above the largest int64; convert it to float64 first");
    return CNN_OK;
}

static cnn_status from_array(PyArrayObject *array, int dtype, int copy, cnn_tensor **out)
{
    cnn_shape shape;
    cnn_dtype own;
    if (!dtype_for(PyArray_TYPE(array), &own)) return fail_dtype(array);
    shape.dtype = dtype < 0 ? own : (cnn_dtype)dtype;
    CNN_TRY(shape_of_array(array, &shape));
    bool same = PyArray_EquivTypenums(PyArray_TYPE(array), numpy_types[shape.dtype]) && PyArray_ISNOTSWAPPED(array);
    if (copy != CNN_COPY_ALWAYS && same && PyArray_IS_C_CONTIGUOUS(array) && PyArray_ISALIGNED(array)) {
        CNN_TRY(cnn_tensor_wrap(&shape, PyArray_DATA(array), release_object, array, out));
        Py_INCREF(array);
        return CNN_OK;
    }
    if (copy == CNN_COPY_NEVER)
        return cnn_fail(CNN_ERR_VALUE, "copy=False was asked for, but %s needs a copy; pass copy=None to allow it",
                        same ? "an array that is not contiguous and aligned" : "a change of dtype or byte order");
    CNN_TRY(cnn_tensor_new(&shape, out));
    cnn_status status = fill_from_array(*out, array);
    if (status != CNN_OK) {
        cnn_tensor_release(*out);
        *out = NULL;
    }
    return status;
}

/* ---- numbers ---- */

static cnn_status store_integer(int64_t value, cnn_tensor *t)
{
    switch (t->shape.dtype) {
    case CNN_BOOL: *(bool *)t->data = value != 0; return CNN_OK;
    case CNN_UINT8:
        *(uint8_t *)t->data = (uint8_t)value;
        if (value < 0 || value > UINT8_MAX) break;
        return CNN_OK;
    case CNN_INT32:
        *(int32_t *)t->data = (int32_t)value;
        if (value < INT32_MIN || value > INT32_MAX) break;
        return CNN_OK;
    case CNN_INT64: *(int64_t *)t->data = value; return CNN_OK;
    case CNN_FLOAT32: *(float *)t->data = (float)value; return CNN_OK;
    default: *(double *)t->data = (double)value; return CNN_OK;
    }
    return cnn_fail(CNN_ERR_VALUE, "the integer %lld does not fit into %s; use a wider dtype", (long long)value,
                    cnn_dtype_name(t->shape.dtype));
}

static cnn_status store_real(double value, cnn_tensor *t)
{
    if (t->shape.dtype == CNN_FLOAT32) *(float *)t->data = (float)value;
    else if (t->shape.dtype == CNN_FLOAT64) *(double *)t->data = value;
    else if (t->shape.dtype == CNN_BOOL) *(bool *)t->data = value != 0;
    else if (!(fabs(value) < 0x1p63))
        return cnn_fail(CNN_ERR_VALUE, "%g is no %s", value, cnn_dtype_name(t->shape.dtype));
    else return store_integer((int64_t)value, t);
    return CNN_OK;
}

/* Python's numbers have no dtype of their own: they take their neighbour's (LIKE) if it is of their kind. */
static cnn_status from_number(PyObject *object, int dtype, int like, cnn_tensor **out)
{
    cnn_shape shape = {CNN_BOOL, 0, {0}};
    double real = 0;
    int64_t integer = 0;
    bool is_real = PyFloat_Check(object), is_bool = PyBool_Check(object);
    if (is_real) {
        real = PyFloat_AS_DOUBLE(object);
        shape.dtype = like >= 0 && cnn_dtype_is_float((cnn_dtype)like) ? (cnn_dtype)like : CNN_FLOAT32;
    } else {
        int overflow = 0;
        integer = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (overflow) {
            real = PyLong_AsDouble(object);
            if (PyErr_Occurred()) return CNN_ERR_VALUE;
            is_real = true;
        }
        if (!is_bool) shape.dtype = like > CNN_BOOL ? (cnn_dtype)like : CNN_INT64;
    }
    if (dtype >= 0) shape.dtype = (cnn_dtype)dtype;
    CNN_TRY(cnn_tensor_new(&shape, out));
    cnn_status status = is_real ? store_real(real, *out) : store_integer(integer, *out);
    if (status != CNN_OK) {
        cnn_tensor_release(*out);
        *out = NULL;
    }
    return status;
}

/* NumPy's scalars keep their dtype when alone; beside a tensor they are numbers like Python's, so that a float32 model
 * does not turn into float64 by a factor that came from NumPy. */
static cnn_status from_numpy_scalar(PyObject *object, int dtype, int like, cnn_tensor **out)
{
    PyArrayObject *array = (PyArrayObject *)PyArray_FromScalar(object, NULL);
    if (!array) return CNN_ERR_MEMORY;
    int number = PyArray_TYPE(array);
    cnn_status status;
    if (dtype >= 0 || like < 0 || PyTypeNum_ISBOOL(number) ||
        !(PyTypeNum_ISINTEGER(number) || PyTypeNum_ISFLOAT(number))) {
        status = from_array(array, dtype, CNN_COPY_ALWAYS, out);
    } else {
        PyObject *plain = PyTypeNum_ISFLOAT(number) ? PyNumber_Float(object) : PyNumber_Index(object);
        status = plain ? from_number(plain, -1, like, out) : CNN_ERR_TYPE;
        Py_XDECREF(plain);
    }
    Py_DECREF(array);
    return status;
}

/* ---- everything else ---- */

/* True if the first leaf of a nested list is a number of Python's own; an empty list counts as one. */
static bool holds_python_numbers(PyObject *object)
{
    for (int depth = 0; depth < 64 && (PyList_Check(object) || PyTuple_Check(object)); depth++) {
        if (PySequence_Fast_GET_SIZE(object) == 0) return true;
        object = PySequence_Fast_GET_ITEM(object, 0);
    }
    return PyFloat_CheckExact(object) || PyLong_CheckExact(object);
}

static cnn_status from_list(PyObject *object, int dtype, int like, cnn_tensor **out)
{
    PyObject *array = dtype < 0 ? PyArray_FROM_O(object) : PyArray_FROM_OT(object, numpy_types[dtype]);
    if (!array) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) return CNN_ERR_VALUE;
        PyErr_Clear();
        return cnn_fail(CNN_ERR_VALUE,
                        "a %s of unequal lengths or of other things than numbers cannot become a tensor; make it a "
                        "rectangular array of numbers",
                        Py_TYPE(object)->tp_name);
    }
    int number = PyArray_TYPE((PyArrayObject *)array);
    if (dtype < 0 && holds_python_numbers(object)) {
        bool like_float = like >= 0 && cnn_dtype_is_float((cnn_dtype)like);
        if (PyTypeNum_ISFLOAT(number)) dtype = like_float ? like : CNN_FLOAT32;
        else if (PyTypeNum_ISINTEGER(number) && like_float) dtype = like;
    }
    cnn_status status = from_array((PyArrayObject *)array, dtype, CNN_COPY_IF_NEEDED, out);
    Py_DECREF(array);
    return status;
}

/* An object with __dlpack__ and nothing that NumPy would rather look at. */
static bool only_dlpack(PyObject *object)
{
    return !PyObject_CheckBuffer(object) && !PyObject_HasAttrString(object, "__array__") &&
           !PyObject_HasAttrString(object, "__array_interface__") && PyObject_HasAttrString(object, "__dlpack__");
}

static cnn_status from_tensor(cnn_tensor *t, int dtype, int copy, cnn_tensor **out)
{
    if (dtype < 0 || (cnn_dtype)dtype == t->shape.dtype) {
        if (copy == CNN_COPY_ALWAYS) return cnn_tensor_copy(t, out);
        *out = cnn_tensor_retain(t);
        return CNN_OK;
    }
    PyObject *view = cnn_numpy_view(t);
    if (!view) return CNN_ERR_MEMORY;
    cnn_status status = from_array((PyArrayObject *)view, dtype, copy, out);
    Py_DECREF(view);
    return status;
}

cnn_status cnn_tensor_from_object(cnn_module_state *state, PyObject *object, int dtype, int like, int copy,
                                  cnn_tensor **out)
{
    *out = NULL;
    if (cnn_is_tensor(state, object)) return from_tensor(cnn_tensor_in(object), dtype, copy, out);
    if (PyArray_Check(object)) return from_array((PyArrayObject *)object, dtype, copy, out);
    bool listed = PyList_Check(object) || PyTuple_Check(object), numpy_scalar = PyArray_CheckScalar(object);
    if (listed || numpy_scalar || PyLong_Check(object) || PyFloat_Check(object)) {
        if (copy == CNN_COPY_NEVER)
            return cnn_fail(CNN_ERR_VALUE, "copy=False was asked for, but a %s has no memory to share; pass copy=None",
                            Py_TYPE(object)->tp_name);
        if (listed) return from_list(object, dtype, like, out);
        return numpy_scalar ? from_numpy_scalar(object, dtype, like, out) : from_number(object, dtype, like, out);
    }
    if (only_dlpack(object)) {
        cnn_tensor *shared;
        CNN_TRY(cnn_tensor_from_dlpack(object, Py_None, &shared));
        cnn_status status = from_tensor(shared, dtype, copy, out);
        cnn_tensor_release(shared);
        return status;
    }
    PyObject *array = PyArray_FROM_O(object);
    if (!array) return CNN_ERR_VALUE; /* the exception is the object's own */
    cnn_status status = from_array((PyArrayObject *)array, dtype, copy, out);
    Py_DECREF(array);
    return status;
}

/* True for operands that arithmetic takes beside a tensor; what else there is gets a chance to know us. */
bool cnn_is_operand(PyObject *object)
{
    return PyFloat_Check(object) || PyLong_Check(object) || PyArray_Check(object) || PyArray_CheckScalar(object) ||
           PyList_Check(object) || PyTuple_Check(object);
}

/* ---- index arrays ---- */

PyObject *cnn_index_array(cnn_module_state *state, PyObject *key)
{
    PyObject *array;
    if (cnn_is_tensor(state, key)) array = cnn_numpy_view(cnn_tensor_in(key));
    else if (PyList_Check(key)) array = PyArray_FROM_O(key);
    else if (PyArray_Check(key)) array = Py_NewRef(key);
    else return Py_NewRef(key);
    if (!array) return NULL;
    PyArrayObject *a = (PyArrayObject *)array;
    if (PyList_Check(key) && PyArray_SIZE(a) == 0) { /* [] has NumPy's default dtype, which is float */
        PyObject *integers = PyArray_Cast(a, NPY_INT64);
        Py_SETREF(array, integers);
        return array;
    }
    bool known = PyArray_ISBOOL(a) ? PyArray_NDIM(a) > 0 : PyArray_ISINTEGER(a);
    if (known) return array;
    PyErr_Format(PyExc_IndexError,
                 "index arrays must hold integers or be bool masks with dimensions, got dtype %S and %d dimensions",
                 PyArray_DESCR(a), PyArray_NDIM(a));
    Py_DECREF(array);
    return NULL;
}

int cnn_index_array_takes(PyObject *key)
{
    if (!PyArray_Check(key) || PyArray_NDIM((PyArrayObject *)key) == 0) return 0;
    return PyArray_ISBOOL((PyArrayObject *)key) ? PyArray_NDIM((PyArrayObject *)key) : 1;
}

/* The positions where MASK is true, in row-major order: one int64 array for its only, flattened dimension. */
static PyObject *mask_positions(PyArrayObject *mask, const int64_t *sizes, int axis)
{
    for (int d = 0; d < PyArray_NDIM(mask); d++)
        if (PyArray_DIM(mask, d) != sizes[d])
            return PyErr_Format(PyExc_IndexError,
                                "the mask has size %zd where dimension %d of what it indexes has %lld",
                                (Py_ssize_t)PyArray_DIM(mask, d), axis + d, (long long)sizes[d]);
    PyArrayObject *flat = (PyArrayObject *)PyArray_Ravel(mask, NPY_CORDER);
    PyObject *tuple = flat ? PyArray_Nonzero(flat) : NULL;
    PyObject *positions = tuple ? Py_NewRef(PyTuple_GET_ITEM(tuple, 0)) : NULL;
    Py_XDECREF(flat);
    Py_XDECREF(tuple);
    return positions;
}

/* An own int64 copy of INDICES, all in [0, SIZE). */
static PyObject *wrapped_positions(PyArrayObject *indices, int64_t size)
{
    PyArrayObject *own = (PyArrayObject *)PyArray_FROMANY(
        (PyObject *)indices, NPY_INT64, 0, 0, NPY_ARRAY_CARRAY | NPY_ARRAY_ENSURECOPY | NPY_ARRAY_FORCECAST);
    if (!own) return NULL;
    int64_t *at = PyArray_DATA(own);
    for (npy_intp i = 0; i < PyArray_SIZE(own); i++) {
        if (at[i] < -size || at[i] >= size) {
            PyErr_Format(PyExc_IndexError, "index %lld is out of range for a dimension of size %lld", (long long)at[i],
                         (long long)size);
            Py_DECREF(own);
            return NULL;
        }
        if (at[i] < 0) at[i] += size;
    }
    return (PyObject *)own;
}

/* FLAT * SIZE + POSITIONS, broadcast; both references are taken. */
static PyObject *melt(PyObject *flat, int64_t size, PyObject *positions)
{
    PyObject *factor = positions ? PyLong_FromLongLong(size) : NULL;
    PyObject *scaled = factor ? PyNumber_Multiply(flat, factor) : NULL;
    PyObject *sum = scaled ? PyNumber_Add(scaled, positions) : NULL;
    if (!sum && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        PyErr_SetString(PyExc_IndexError, "the index arrays do not broadcast to one shape");
    }
    Py_XDECREF(factor);
    Py_XDECREF(scaled);
    Py_XDECREF(positions);
    Py_DECREF(flat);
    return sum;
}

int cnn_index_tensor(cnn_module_state *state, PyObject *const *arrays, int count, const int64_t *sizes,
                     cnn_tensor **out)
{
    PyObject *flat = NULL;
    int axis = 0;
    for (int i = 0; i < count; i++) {
        PyArrayObject *a = (PyArrayObject *)arrays[i];
        int dims = cnn_index_array_takes(arrays[i]);
        int64_t size = 1;
        for (int d = 0; d < dims; d++) size *= sizes[axis + d];
        PyObject *positions = PyArray_ISBOOL(a) ? mask_positions(a, sizes + axis, axis) : wrapped_positions(a, size);
        flat = flat ? melt(flat, size, positions) : positions;
        if (!flat) return -1;
        axis += dims;
    }
    cnn_status status = cnn_tensor_from_object(state, flat, CNN_INT64, -1, CNN_COPY_IF_NEEDED, out);
    Py_DECREF(flat);
    if (status != CNN_OK) cnn_raise(status, "indexing");
    return status == CNN_OK ? 0 : -1;
}

/* ---- tensors to NumPy ---- */

static void release_capsule(PyObject *capsule)
{
    cnn_tensor_release(PyCapsule_GetPointer(capsule, NULL));
}

PyObject *cnn_numpy_view(cnn_tensor *t)
{
    /* The view holds an alias of the tensor, so that a variable may get new storage while the view keeps the old. */
    cnn_tensor *alias;
    cnn_status status = cnn_tensor_view(t, &t->shape, &alias);
    if (status != CNN_OK) return cnn_raise(status, NULL);
    npy_intp dims[CNN_MAX_NDIM];
    for (int i = 0; i < t->shape.ndim; i++) dims[i] = (npy_intp)t->shape.dim[i];
    PyObject *capsule = PyCapsule_New(alias, NULL, release_capsule);
    if (!capsule) {
        cnn_tensor_release(alias);
        return NULL;
    }
    PyObject *array = PyArray_New(&PyArray_Type, t->shape.ndim, dims, numpy_types[t->shape.dtype], NULL, alias->data, 0,
                                  NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED, NULL);
    if (!array) {
        Py_DECREF(capsule);
        return NULL;
    }
    if (PyArray_SetBaseObject((PyArrayObject *)array, capsule) < 0) { /* steals the capsule in any case */
        Py_DECREF(array);
        return NULL;
    }
    return array;
}

PyObject *cnn_numpy_own(cnn_tensor *t)
{
    PyObject *array = cnn_numpy_view(t);
    cnn_tensor_release(t);
    if (array) PyArray_ENABLEFLAGS((PyArrayObject *)array, NPY_ARRAY_WRITEABLE);
    return array;
}

PyObject *cnn_numpy_copy(cnn_tensor *t)
{
    npy_intp dims[CNN_MAX_NDIM];
    for (int i = 0; i < t->shape.ndim; i++) dims[i] = (npy_intp)t->shape.dim[i];
    PyObject *array = PyArray_SimpleNew(t->shape.ndim, dims, numpy_types[t->shape.dtype]);
    if (array && t->size) memcpy(PyArray_DATA((PyArrayObject *)array), t->data, cnn_tensor_bytes(t));
    return array;
}

PyObject *cnn_tensor_array(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"dtype", "copy", NULL};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:__array__", names, &dtype, &copy)) return NULL;
    int asked = copy == Py_None ? 0 : PyObject_IsTrue(copy); /* None: only if needed; False: never */
    if (asked < 0) return NULL;
    cnn_tensor *t = cnn_tensor_in(object);
    PyArray_Descr *descr = NULL;
    if (dtype != Py_None && !PyArray_DescrConverter(dtype, &descr)) return NULL;
    bool same = !descr || (PyArray_EquivTypenums(descr->type_num, numpy_types[t->shape.dtype]) &&
                           PyArray_ISNBO(descr->byteorder));
    if (same) {
        Py_XDECREF(descr);
        return asked ? cnn_numpy_copy(t) : cnn_numpy_view(t);
    }
    if (copy != Py_None && !asked) {
        Py_DECREF(descr);
        return PyErr_Format(PyExc_ValueError, "__array__: copy=False was asked for, but %s to %R needs a copy",
                            cnn_dtype_name(t->shape.dtype), dtype);
    }
    PyArrayObject *view = (PyArrayObject *)cnn_numpy_view(t);
    PyObject *converted = view ? PyArray_CastToType(view, descr, 0) : NULL; /* steals descr */
    if (!view) Py_DECREF(descr);
    Py_XDECREF(view);
    return converted;
}

/* ---- _core.array ---- */

int cnn_copy_from_object(PyObject *object, const char *where, int *copy)
{
    if (object == Py_None) *copy = CNN_COPY_IF_NEEDED;
    else if (object == Py_True) *copy = CNN_COPY_ALWAYS;
    else if (object == Py_False) *copy = CNN_COPY_NEVER;
    else {
        PyErr_Format(PyExc_TypeError, "%s: copy must be None, True or False, got %R", where, object);
        return -1;
    }
    return 0;
}

static PyObject *array(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"a", "dtype", "copy", NULL};
    PyObject *value, *dtype_object = Py_None, *copy_object = Py_None;
    cnn_module_state *state = PyModule_GetState(module);
    cnn_dtype dtype = CNN_FLOAT32;
    int copy;
    cnn_tensor *t;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:array", names, &value, &dtype_object, &copy_object))
        return NULL;
    if (cnn_copy_from_object(copy_object, "array", &copy) < 0) return NULL;
    if (dtype_object != Py_None && cnn_dtype_from_object(dtype_object, &dtype) < 0) return NULL;
    if (Py_IS_TYPE(value, state->tensor_type) && copy != CNN_COPY_ALWAYS &&
        (dtype_object == Py_None || cnn_tensor_in(value)->shape.dtype == dtype))
        return Py_NewRef(value);
    cnn_status status;
    if (Py_IS_TYPE(value, state->tensor_type) || !cnn_is_tensor(state, value)) {
        status = cnn_tensor_from_object(state, value, dtype_object == Py_None ? -1 : (int)dtype, -1, copy, &t);
    } else { /* a Variable may be assigned later: its values of today */
        cnn_tensor *today;
        status = cnn_tensor_view(cnn_tensor_in(value), &cnn_tensor_in(value)->shape, &today);
        if (status == CNN_OK) {
            status = from_tensor(today, dtype_object == Py_None ? -1 : (int)dtype, copy, &t);
            cnn_tensor_release(today);
        }
    }
    return status == CNN_OK ? cnn_wrap_tensor(state, t) : cnn_raise(status, "array");
}

static PyMethodDef functions[] = {
    {"array", (PyCFunction)(void (*)(void))array, METH_VARARGS | METH_KEYWORDS,
     "array(a, dtype=None, copy=None)\n--\n\n"
     "A Tensor with the values of a: a NumPy array, a number, a nested list, another Tensor, or anything with a "
     "buffer, "
     "__array__, __array_interface__ or __dlpack__.\n\n"
     "copy=None shares a's memory where its dtype and layout allow, and then a must not be changed any more; True "
     "always "
     "copies; False raises ValueError where a copy is needed. Python floats become float32, integers int64 unless "
     "dtype "
     "says otherwise. Raises TypeError for objects, strings and complex numbers, ValueError for ragged lists."},
    {NULL, NULL, 0, NULL},
};

int cnn_add_convert_functions(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
