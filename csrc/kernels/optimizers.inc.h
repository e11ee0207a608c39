/* The loops of optimizers.c for one type: REAL is float or double, NAME(x) a kernel's name. Included once per type. */

/* number: learning rate, momentum, nesterov. slot: momentum, or none. */
void NAME(sgd)(const cnn_update *u)
{
    REAL *p = u->variable, *m = u->slot[0];
    const REAL *g = u->gradient;
    REAL rate = (REAL)u->number[0], momentum = (REAL)u->number[1];
    if (!m) {
        for (int64_t i = 0; i < u->n; i++) p[i] -= rate * g[i];
    } else if (u->number[2] != 0) {
        for (int64_t i = 0; i < u->n; i++) {
            REAL step = rate * g[i], next = momentum * m[i] - step;
            m[i] = next;
            p[i] += momentum * next - step;
        }
    } else {
        for (int64_t i = 0; i < u->n; i++) {
            REAL next = momentum * m[i] - rate * g[i];
            m[i] = next;
            p[i] += next;
        }
    }
}

/* number: learning rate, rho, momentum, epsilon. slot: mean square, momentum or none, mean or none. */
void NAME(rmsprop)(const cnn_update *u)
{
    REAL *p = u->variable, *v = u->slot[0], *m = u->slot[1], *a = u->slot[2];
    const REAL *g = u->gradient;
    REAL rate = (REAL)u->number[0], rho = (REAL)u->number[1], rest = (REAL)(1 - u->number[1]);
    REAL momentum = (REAL)u->number[2], epsilon = (REAL)u->number[3];
    if (!m && !a) {
        for (int64_t i = 0; i < u->n; i++) {
            REAL square = rho * v[i] + rest * g[i] * g[i];
            v[i] = square;
            p[i] -= rate * g[i] / SQRT(square + epsilon);
        }
    } else if (!a) {
        for (int64_t i = 0; i < u->n; i++) {
            REAL square = rho * v[i] + rest * g[i] * g[i];
            v[i] = square;
            m[i] = momentum * m[i] + rate * g[i] / SQRT(square + epsilon);
            p[i] -= m[i];
        }
    } else {
        for (int64_t i = 0; i < u->n; i++) {
            REAL square = rho * v[i] + rest * g[i] * g[i], mean = rho * a[i] + rest * g[i];
            v[i] = square;
            a[i] = mean;
            REAL step = rate * g[i] / SQRT(square - mean * mean + epsilon);
            if (m) step = m[i] = momentum * m[i] + step;
            p[i] -= step;
        }
    }
}

/* number: learning rate, epsilon. slot: sum of squares. */
void NAME(adagrad)(const cnn_update *u)
{
    REAL *p = u->variable, *a = u->slot[0];
    const REAL *g = u->gradient;
    REAL rate = (REAL)u->number[0], epsilon = (REAL)u->number[1];
    for (int64_t i = 0; i < u->n; i++) {
        REAL sum = a[i] + g[i] * g[i];
        a[i] = sum;
        p[i] -= rate * g[i] / SQRT(sum + epsilon);
    }
}

/* number: learning rate, rho, epsilon. slot: mean square of gradients, of steps. */
void NAME(adadelta)(const cnn_update *u)
{
    REAL *p = u->variable, *a = u->slot[0], *d = u->slot[1];
    const REAL *g = u->gradient;
    REAL rate = (REAL)u->number[0], rho = (REAL)u->number[1], rest = (REAL)(1 - u->number[1]),
         epsilon = (REAL)u->number[2];
    for (int64_t i = 0; i < u->n; i++) {
        REAL square = rho * a[i] + rest * g[i] * g[i];
        REAL step = SQRT(d[i] + epsilon) * g[i] / SQRT(square + epsilon);
        a[i] = square;
        d[i] = rho * d[i] + rest * step * step;
        p[i] -= rate * step;
    }
}

/* number: alpha (the learning rate with both bias corrections), 1 - beta_1, 1 - beta_2, epsilon.
 * slot: mean, mean square, largest mean square or none. */
void NAME(adam)(const cnn_update *u)
{
    REAL *p = u->variable, *m = u->slot[0], *v = u->slot[1], *largest = u->slot[2];
    const REAL *g = u->gradient;
    REAL alpha = (REAL)u->number[0], rest_1 = (REAL)u->number[1], rest_2 = (REAL)u->number[2],
         epsilon = (REAL)u->number[3];
    if (!largest) {
        for (int64_t i = 0; i < u->n; i++) {
            REAL mean = m[i] + (g[i] - m[i]) * rest_1, square = v[i] + (g[i] * g[i] - v[i]) * rest_2;
            m[i] = mean;
            v[i] = square;
            p[i] -= mean * alpha / (SQRT(square) + epsilon);
        }
        return;
    }
    for (int64_t i = 0; i < u->n; i++) {
        REAL mean = m[i] + (g[i] - m[i]) * rest_1, square = v[i] + (g[i] * g[i] - v[i]) * rest_2;
        REAL top = largest[i] > square ? largest[i] : square;
        top = largest[i] != largest[i] ? largest[i] : top;
        m[i] = mean;
        v[i] = square;
        largest[i] = top;
        p[i] -= mean * alpha / (SQRT(top) + epsilon);
    }
}

/* number: the learning rate with its bias correction, 1 - beta_1, beta_2, epsilon. slot: mean, norm. */
void NAME(adamax)(const cnn_update *u)
{
    REAL *p = u->variable, *m = u->slot[0], *norm = u->slot[1];
    const REAL *g = u->gradient;
    REAL alpha = (REAL)u->number[0], rest_1 = (REAL)u->number[1], beta_2 = (REAL)u->number[2],
         epsilon = (REAL)u->number[3];
    for (int64_t i = 0; i < u->n; i++) {
        REAL mean = m[i] + (g[i] - m[i]) * rest_1, old = beta_2 * norm[i], size = FABS(g[i]);
        REAL top = old > size ? old : size;
        top = old != old ? old : top;
        m[i] = mean;
        norm[i] = top;
        p[i] -= alpha * mean / (top + epsilon);
    }
}

/* number: 1 - beta_1, 1 - beta_2, factor of the mean, of the gradient, of the mean square, epsilon.
 * slot: mean, mean square. */
void NAME(nadam)(const cnn_update *u)
{
    REAL *p = u->variable, *m = u->slot[0], *v = u->slot[1];
    const REAL *g = u->gradient;
    REAL rest_1 = (REAL)u->number[0], rest_2 = (REAL)u->number[1], old = (REAL)u->number[2], fresh = (REAL)u->number[3],
         correction = (REAL)u->number[4], epsilon = (REAL)u->number[5];
    for (int64_t i = 0; i < u->n; i++) {
        REAL mean = m[i] + (g[i] - m[i]) * rest_1, square = v[i] + (g[i] * g[i] - v[i]) * rest_2;
        m[i] = mean;
        v[i] = square;
        p[i] -= (old * mean + fresh * g[i]) / (SQRT(square * correction) + epsilon);
    }
}

/* number: learning rate, beta_1, beta_2. slot: mean. */
void NAME(lion)(const cnn_update *u)
{
    REAL *p = u->variable, *m = u->slot[0];
    const REAL *g = u->gradient;
    REAL rate = (REAL)u->number[0], beta_1 = (REAL)u->number[1], beta_2 = (REAL)u->number[2];
    REAL rest_1 = (REAL)(1 - u->number[1]), rest_2 = (REAL)(1 - u->number[2]);
    for (int64_t i = 0; i < u->n; i++) {
        REAL way = beta_1 * m[i] + rest_1 * g[i];
        REAL sign = (REAL)((way > 0) - (way < 0));
        p[i] -= rate * (way != way ? way : sign);
        m[i] = beta_2 * m[i] + rest_2 * g[i];
    }
}

/* number: 1 / learning rate, power, l1, twice the whole l2, twice the shrinkage. slot: sum of squares, linear. */
void NAME(ftrl)(const cnn_update *u)
{
    REAL *p = u->variable, *a = u->slot[0], *z = u->slot[1];
    const REAL *g = u->gradient;
    REAL inverse = (REAL)u->number[0], power = (REAL)u->number[1], l1 = (REAL)u->number[2], l2 = (REAL)u->number[3],
         shrinkage = (REAL)u->number[4];
    bool root = u->number[1] == 0.5; /* the default, and much faster */
    for (int64_t i = 0; i < u->n; i++) {
        REAL sum = a[i] + g[i] * g[i];
        REAL before = root ? SQRT(a[i]) : POW(a[i], power), after = root ? SQRT(sum) : POW(sum, power);
        REAL linear = z[i] + g[i] + shrinkage * p[i] - (after - before) * inverse * p[i];
        REAL clipped = linear > l1 ? l1 : linear;
        clipped = clipped < -l1 ? -l1 : clipped;
        a[i] = sum;
        z[i] = linear;
        p[i] = (clipped - linear) / (after * inverse + l2);
    }
}

/* number: learning rate, beta_1, 1 - beta_2, correction of the mean square, epsilon, 1 / t.
 * slot: iterate, mean square. */
void NAME(schedule_free_adamw)(const cnn_update *u)
{
    REAL *p = u->variable, *z = u->slot[0], *v = u->slot[1];
    const REAL *g = u->gradient;
    REAL rate = (REAL)u->number[0], beta = (REAL)u->number[1], rest = (REAL)(1 - u->number[1]);
    REAL rest_2 = (REAL)u->number[2], correction = (REAL)u->number[3], epsilon = (REAL)u->number[4],
         weight = (REAL)u->number[5];
    for (int64_t i = 0; i < u->n; i++) {
        REAL square = v[i] + (g[i] * g[i] - v[i]) * rest_2;
        REAL x = (p[i] - rest * z[i]) / beta;
        REAL next = z[i] - rate * g[i] / (SQRT(square * correction) + epsilon);
        REAL mean = (1 - weight) * x + weight * next;
        v[i] = square;
        z[i] = next;
        p[i] = rest * next + beta * mean;
    }
}

/* variable = number[0] * variable + number[1] * gradient; a factor of 0 leaves its term out, NaN and all. */
void NAME(blend)(const cnn_update *u)
{
    REAL *p = u->variable;
    const REAL *g = u->gradient;
    REAL old = (REAL)u->number[0], fresh = (REAL)u->number[1];
    if (u->number[0] == 0)
        for (int64_t i = 0; i < u->n; i++) p[i] = u->number[1] == 0 ? 0 : fresh * g[i];
    else if (u->number[1] == 0)
        for (int64_t i = 0; i < u->n; i++) p[i] *= old;
    else
        for (int64_t i = 0; i < u->n; i++) p[i] = old * p[i] + fresh * g[i];
}

double NAME(sum_squares)(int64_t n, const REAL *g)
{
    double lanes[8] = {0}, total = 0;
    int64_t whole = n & ~(int64_t)7;
    for (int64_t i = 0; i < whole; i += 8)
        for (int k = 0; k < 8; k++) lanes[k] += (double)g[i + k] * (double)g[i + k];
    for (int64_t i = whole; i < n; i++) total += (double)g[i] * (double)g[i];
    for (int k = 0; k < 8; k++) total += lanes[k];
    return total;
}

void NAME(scale_clip)(int64_t n, const REAL *g, double scale, double limit, REAL *out)
{
    REAL factor = (REAL)scale, high = (REAL)limit, low = -high;
    for (int64_t i = 0; i < n; i++) {
        REAL x = g[i] * factor;
        x = x > high ? high : x;
        out[i] = x < low ? low : x;
    }
}

#undef REAL
#undef NAME
#undef SQRT
#undef FABS
#undef POW
