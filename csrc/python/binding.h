/* The extension module cnnpy._core: types over the core, argument parsing, NumPy in and out, the GIL.
 *
 * The only folder that includes Python.h or NumPy's headers. All types are heap types, all objects live in the module's
 * state. A core call that may take long runs without the GIL. */
#ifndef CNN_PYTHON_BINDING_H
#define CNN_PYTHON_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "autograd/op.h"
#include "autograd/tape.h"

typedef struct {
    PyTypeObject *tensor_type;
    PyTypeObject *variable_type;
    PyTypeObject *op_type;
    PyTypeObject *tape_type;
    PyObject *empty_tuple;
} cnn_module_state;

typedef struct {
    PyObject_HEAD
    cnn_tensor *t;
} TensorObject;

/* A variable is a Tensor whose storage can be replaced. */
typedef struct {
    TensorObject base;
    PyObject *name;
} VariableObject;

extern struct PyModuleDef cnn_module_def;

/* The state, from an instance or a type of ours (or a subclass). */
cnn_module_state *cnn_state_of_type(PyTypeObject *type);

/* Raises the exception that belongs to STATUS with the core's message, PREFIX before it (may be NULL); returns NULL. */
PyObject *cnn_raise(cnn_status status, const char *prefix);

bool cnn_is_tensor(const cnn_module_state *state, PyObject *object);
/* The tensor inside, borrowed; OBJECT must be one. */
static inline cnn_tensor *cnn_tensor_in(PyObject *object)
{
    return ((TensorObject *)object)->t;
}
/* A new Python Tensor that takes over the reference T; NULL (and T released) on failure. */
PyObject *cnn_wrap_tensor(cnn_module_state *state, cnn_tensor *t);

/* convert.c: a new reference to a core tensor with OBJECT's values. OBJECT is a Tensor, a NumPy array, a scalar, a nested
 * list, or has a buffer, __dlpack__ or __array__. DTYPE < 0 keeps an array's own dtype and takes LIKE for Python scalars
 * and lists (float32 for floats if LIKE < 0 too). COPY forces own memory; else memory is shared where layout allows. */
cnn_status cnn_tensor_from_object(cnn_module_state *state, PyObject *object, int dtype, int like, bool copy, cnn_tensor **out);
/* A read-only NumPy array over T's memory, which it keeps alive. */
PyObject *cnn_numpy_view(cnn_tensor *t);
/* A new NumPy array with T's values. */
PyObject *cnn_numpy_copy(cnn_tensor *t);
int cnn_dtype_from_object(PyObject *object, cnn_dtype *out); /* name, NumPy dtype or type; -1 with an exception */
int cnn_convert_init(void);                                  /* imports NumPy's C API */

/* Steps of module initialisation; -1 with an exception. */
int cnn_add_tensor_type(PyObject *module);
int cnn_add_variable_type(PyObject *module);
int cnn_add_ops(PyObject *module);
int cnn_add_tape_type(PyObject *module);
int cnn_add_system_functions(PyObject *module);
int cnn_add_metric_functions(PyObject *module);
int cnn_add_optimizer_functions(PyObject *module);

#endif
