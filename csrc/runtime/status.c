#include "runtime/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char last_message[1024];

cnn_status cnn_fail(cnn_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_message, sizeof last_message, format, args);
    va_end(args);
    return status;
}

const char *cnn_last_message(void)
{
    return last_message;
}
