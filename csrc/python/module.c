/* Initialisation of cnnpy._core. */
#include "python/binding.h"

#include "kernels/gemm.h"
#include "kernels/kernels.h"

#include <stdbool.h>
#include <stdlib.h>

PyObject *cnn_raise(cnn_status status, const char *prefix)
{
    PyObject *type = PyExc_RuntimeError;
    switch (status) {
    case CNN_ERR_VALUE: type = PyExc_ValueError; break;
    case CNN_ERR_TYPE: type = PyExc_TypeError; break;
    case CNN_ERR_INDEX: type = PyExc_IndexError; break;
    case CNN_ERR_MEMORY: type = PyExc_MemoryError; break;
    case CNN_ERR_NOT_IMPLEMENTED: type = PyExc_NotImplementedError; break;
    case CNN_ERR_RUNTIME:
    case CNN_OK: break;
    }
    if (PyErr_Occurred()) return NULL; /* a callback's own exception says more */
    if (prefix) PyErr_Format(type, "%s: %s", prefix, cnn_last_message());
    else PyErr_SetString(type, cnn_last_message());
    return NULL;
}

cnn_module_state *cnn_state_of_type(PyTypeObject *type)
{
    PyObject *module = PyType_GetModuleByDef(type, &cnn_module_def);
    return module ? PyModule_GetState(module) : NULL;
}

static int module_exec(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "cnnpy works in the main interpreter only, since NumPy does");
        return -1;
    }
#ifdef Py_GIL_DISABLED
    /* This Python has switched its lock on for us (Py_mod_gil below), unless its user has forbidden that. */
    PyObject *enabled = PyObject_CallMethod(PyImport_AddModule("sys"), "_is_gil_enabled", NULL);
    if (!enabled) return -1;
    bool locked = enabled == Py_True;
    Py_DECREF(enabled);
    if (!locked) {
        PyErr_SetString(PyExc_ImportError, "cnnpy needs Python's global lock; start Python without PYTHON_GIL=0 and "
                                           "-X gil=0");
        return -1;
    }
#endif
    const char *level = getenv("CNNPY_CPU_LEVEL");
    if (cnn_kernels_select(level && *level ? level : NULL) != CNN_OK) {
        PyErr_Format(PyExc_ImportError, "CNNPY_CPU_LEVEL: %s", cnn_last_message());
        return -1;
    }
    const char *algorithm = getenv("CNNPY_CONV_ALGORITHM");
    if (algorithm && *algorithm && cnn_conv_algorithm_select(algorithm) != CNN_OK) {
        PyErr_Format(PyExc_ImportError, "CNNPY_CONV_ALGORITHM: %s", cnn_last_message());
        return -1;
    }
    cnn_gemm_init();
    state->module = module;
    state->empty_tuple = PyTuple_New(0);
    if (!state->empty_tuple || cnn_convert_init() < 0 || cnn_add_convert_functions(module) < 0 ||
        cnn_add_dlpack_functions(module) < 0 || cnn_add_tensor_type(module) < 0 || cnn_add_variable_type(module) < 0 ||
        cnn_add_ops(module) < 0 || cnn_add_tape_type(module) < 0 || cnn_add_system_functions(module) < 0)
        return -1;
    if (cnn_add_custom_gradient(module) < 0 || cnn_add_metric_functions(module) < 0 ||
        cnn_add_image_functions(module) < 0 || cnn_add_optimizer_functions(module) < 0)
        return -1;
    return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    cnn_module_state *state = PyModule_GetState(module);
    Py_VISIT(state->tensor_type);
    Py_VISIT(state->variable_type);
    Py_VISIT(state->op_type);
    Py_VISIT(state->tape_type);
    Py_VISIT(state->pause_type);
    return 0;
}

static int module_clear(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->tensor_type);
    Py_CLEAR(state->variable_type);
    Py_CLEAR(state->op_type);
    Py_CLEAR(state->tape_type);
    Py_CLEAR(state->pause_type);
    Py_CLEAR(state->empty_tuple);
    return 0;
}

static void module_free(void *module)
{
    module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

struct PyModuleDef cnn_module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "cnnpy._core",
    .m_doc = "The compute core of cnnpy: tensors, differentiable ops, tape, optimizers.",
    .m_size = sizeof(cnn_module_state),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&cnn_module_def);
}
