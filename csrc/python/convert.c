/* NumPy arrays, scalars and lists to tensors and back. */
#include "python/binding.h"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>

#include <string.h>

static const int numpy_types[CNN_DTYPE_COUNT] = {
    [CNN_BOOL] = NPY_BOOL,   [CNN_UINT8] = NPY_UINT8,     [CNN_INT32] = NPY_INT32,
    [CNN_INT64] = NPY_INT64, [CNN_FLOAT32] = NPY_FLOAT32, [CNN_FLOAT64] = NPY_FLOAT64,
};

int cnn_convert_init(void)
{
    return PyArray_ImportNumPyAPI();
}

/* The dtype that holds values of NumPy type NUMBER, and whether it is that very type. */
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
    if (PyArray_DescrConverter(object, &descr) && descr) {
        int number = descr->type_num;
        bool known = dtype_for(number, out) && numpy_types[*out] == number;
        if (!known && PyTypeNum_ISINTEGER(number) && PyDataType_ELSIZE(descr) == 8 && PyTypeNum_ISSIGNED(number)) {
            *out = CNN_INT64; /* long long beside long */
            known = true;
        }
        Py_DECREF(descr);
        if (known) return 0;
    }
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "dtype must be one of float32, float64, uint8, int32, int64, bool, got %R", object);
    return -1;
}

static void release_array(void *owner)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    Py_DECREF((PyObject *)owner);
    PyGILState_Release(gil);
}

static cnn_status shape_of_array(PyArrayObject *array, cnn_shape *shape)
{
    shape->ndim = PyArray_NDIM(array);
    if (shape->ndim > CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions, the array has %d", CNN_MAX_NDIM, shape->ndim);
    for (int i = 0; i < shape->ndim; i++) shape->dim[i] = PyArray_DIM(array, i);
    return CNN_OK;
}

static cnn_status from_array(PyArrayObject *array, int dtype, bool copy, cnn_tensor **out)
{
    cnn_shape shape;
    cnn_dtype own;
    if (!dtype_for(PyArray_TYPE(array), &own))
        return cnn_fail(CNN_ERR_TYPE, "arrays of dtype %s cannot become tensors; convert to float32, float64, uint8, int32, int64 or bool first",
                        PyArray_DESCR(array)->typeobj->tp_name);
    shape.dtype = dtype < 0 ? own : (cnn_dtype)dtype;
    CNN_TRY(shape_of_array(array, &shape));
    bool same = PyArray_EquivTypenums(PyArray_TYPE(array), numpy_types[shape.dtype]) && PyArray_ISNOTSWAPPED(array);
    if (!copy && same && PyArray_IS_C_CONTIGUOUS(array) && PyArray_ISALIGNED(array)) {
        CNN_TRY(cnn_tensor_wrap(&shape, PyArray_DATA(array), release_array, array, out));
        Py_INCREF(array);
        return CNN_OK;
    }
    CNN_TRY(cnn_tensor_new(&shape, out));
    npy_intp dims[CNN_MAX_NDIM];
    for (int i = 0; i < shape.ndim; i++) dims[i] = (npy_intp)shape.dim[i];
    PyObject *target = PyArray_SimpleNewFromData(shape.ndim, dims, numpy_types[shape.dtype], (*out)->data);
    int failed = !target || PyArray_CopyInto((PyArrayObject *)target, array) < 0;
    Py_XDECREF(target);
    if (failed) {
        cnn_tensor_release(*out);
        *out = NULL;
        return cnn_fail(CNN_ERR_VALUE, "the array could not be converted");
    }
    return CNN_OK;
}

cnn_status cnn_tensor_from_object(cnn_module_state *state, PyObject *object, int dtype, int like, bool copy, cnn_tensor **out)
{
    *out = NULL;
    if (cnn_is_tensor(state, object)) {
        cnn_tensor *t = cnn_tensor_in(object);
        if (dtype < 0 || (cnn_dtype)dtype == t->shape.dtype) {
            if (copy) return cnn_tensor_copy(t, out);
            *out = cnn_tensor_retain(t);
            return CNN_OK;
        }
        PyObject *view = cnn_numpy_view(t);
        if (!view) return cnn_fail(CNN_ERR_MEMORY, "no memory for a view");
        cnn_status status = from_array((PyArrayObject *)view, dtype, true, out);
        Py_DECREF(view);
        return status;
    }
    bool is_array = PyArray_Check(object);
    PyObject *array = is_array ? Py_NewRef(object) : PyArray_FROM_O(object);
    if (!array) {
        if (PyErr_ExceptionMatches(PyExc_MemoryError)) return cnn_fail(CNN_ERR_MEMORY, "no memory for the array");
        PyErr_Clear();
        return cnn_fail(CNN_ERR_VALUE, "a %s of unequal lengths or unknown content cannot become a tensor; make it a rectangular array of numbers",
                        Py_TYPE(object)->tp_name);
    }
    if (dtype < 0 && !is_array && (PyFloat_Check(object) || PyLong_Check(object) || PyList_Check(object) || PyTuple_Check(object))) {
        /* Python's numbers have no dtype of their own: they take their neighbour's, if it can hold them. */
        int number = PyArray_TYPE((PyArrayObject *)array);
        if (PyTypeNum_ISFLOAT(number)) dtype = like >= 0 && cnn_dtype_is_float((cnn_dtype)like) ? like : CNN_FLOAT32;
        else if (PyTypeNum_ISINTEGER(number) && like >= 0 && like != CNN_BOOL) dtype = like;
    }
    cnn_status status = from_array((PyArrayObject *)array, dtype, copy, out);
    Py_DECREF(array);
    return status;
}

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

PyObject *cnn_numpy_copy(cnn_tensor *t)
{
    npy_intp dims[CNN_MAX_NDIM];
    for (int i = 0; i < t->shape.ndim; i++) dims[i] = (npy_intp)t->shape.dim[i];
    PyObject *array = PyArray_SimpleNew(t->shape.ndim, dims, numpy_types[t->shape.dtype]);
    if (array) memcpy(PyArray_DATA((PyArrayObject *)array), t->data, cnn_tensor_bytes(t));
    return array;
}
