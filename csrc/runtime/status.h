/* Status codes and the message of the last failure in this thread.
 *
 * Every function of the core that can fail returns a cnn_status and, unless it is CNN_OK, has left a message
 * that says what came, what was expected and what to do. Nothing in the core prints, aborts or exits. */
#ifndef CNN_RUNTIME_STATUS_H
#define CNN_RUNTIME_STATUS_H

typedef enum {
    CNN_OK = 0,
    CNN_ERR_VALUE,           /* right type, wrong value or shape */
    CNN_ERR_TYPE,            /* wrong dtype or kind of argument */
    CNN_ERR_INDEX,           /* index out of range */
    CNN_ERR_MEMORY,          /* no memory, or the limit was reached */
    CNN_ERR_RUNTIME,         /* wrong state, e.g. a tape used twice */
    CNN_ERR_NOT_IMPLEMENTED, /* valid, but not offered */
} cnn_status;

/* Sets the thread's message and returns STATUS, so that a check reads `return cnn_fail(CNN_ERR_VALUE, ...)`. */
cnn_status cnn_fail(cnn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message of the last failure in this thread; "" if there was none. */
const char *cnn_last_message(void);

#define CNN_TRY(expression)                                                                                            \
    do {                                                                                                               \
        cnn_status cnn_try_status_ = (expression);                                                                     \
        if (cnn_try_status_ != CNN_OK) return cnn_try_status_;                                                         \
    } while (0)

#endif
