/* Fused element-wise kernels of the trainer, in plain float C that the compiler vectorises
 * (gcc -O3 -march=native -ffast-math). PyTorch does the matrix products; between them it would make
 * a dozen passes over memory where one is enough, and on a single core that is half of the time.
 *
 * N is the number of token positions in a batch, d the width, f the width of the feed-forward part,
 * B rows of T positions, H heads of hd. Arrays are dense, row-major and never overlap unless said so.
 */
#include <math.h>
#include <string.h>

#define R restrict

/* xo = xi + delta (delta may be NULL), h = xo / rms(xo) * w. rs keeps 1/rms for the way back. */
void add_rms(const float *xi, const float *delta, float *xo, const float *R w, float *R h, float *R rs,
             long N, long d, float eps)
{
    for (long i = 0; i < N; i++) {
        const float *a = xi + i * d, *e = delta ? delta + i * d : NULL;
        float *o = xo + i * d, *y = h + i * d, s = 0;
        if (e)
            for (long j = 0; j < d; j++) o[j] = a[j] + e[j];
        else if (o != a)
            memcpy(o, a, (size_t)d * sizeof *o);
        for (long j = 0; j < d; j++) s += o[j] * o[j];
        float r = rs[i] = 1.0f / sqrtf(s / (float)d + eps);
        for (long j = 0; j < d; j++) y[j] = o[j] * r * w[j];
    }
}

/* The gradient of add_rms: dx += its share of dh, dw += the gain's gradient. */
void rms_bwd(const float *R dh, const float *R x, const float *R rs, const float *R w, float *R dx, float *R dw,
             long N, long d)
{
    for (long i = 0; i < N; i++) {
        const float *g = dh + i * d, *a = x + i * d;
        float *o = dx + i * d, r = rs[i], s = 0;
        for (long j = 0; j < d; j++) {
            float n = a[j] * r;
            dw[j] += g[j] * n;
            s += g[j] * w[j] * n;
        }
        s /= (float)d;
        for (long j = 0; j < d; j++) o[j] += (g[j] * w[j] - a[j] * r * s) * r;
    }
}

/* Rotary embedding of one head, adjacent pairs (llama.cpp's NORMAL type). dir -1 is the way back. */
static void rope(const float *R x, const float *R co, const float *R si, float *R y, long hd, float scale, float dir)
{
    for (long j = 0; j < hd; j += 2) {
        float c = co[j / 2] * scale, s = si[j / 2] * scale * dir;
        y[j] = x[j] * c - x[j + 1] * s;
        y[j + 1] = x[j] * s + x[j + 1] * c;
    }
}

/* qkv [B*T, 3*H*hd] to q (rotated, scaled), k (rotated), v: each [B*H, T, hd]. */
void qkv_split(const float *qkv, const float *co, const float *si, float *q, float *k, float *v,
               long B, long T, long H, long hd, float scale)
{
    for (long b = 0; b < B; b++)
        for (long h = 0; h < H; h++)
            for (long t = 0; t < T; t++) {
                const float *p = qkv + (b * T + t) * 3 * H * hd + h * hd, *c = co + t * hd / 2, *s = si + t * hd / 2;
                long o = ((b * H + h) * T + t) * hd;
                rope(p, c, s, q + o, hd, scale, 1);
                rope(p + H * hd, c, s, k + o, hd, 1, 1);
                memcpy(v + o, p + 2 * H * hd, (size_t)hd * sizeof *v);
            }
}

void qkv_split_bwd(const float *dq, const float *dk, const float *dv, const float *co, const float *si, float *dqkv,
                   long B, long T, long H, long hd, float scale)
{
    for (long b = 0; b < B; b++)
        for (long h = 0; h < H; h++)
            for (long t = 0; t < T; t++) {
                float *p = dqkv + (b * T + t) * 3 * H * hd + h * hd;
                const float *c = co + t * hd / 2, *s = si + t * hd / 2;
                long o = ((b * H + h) * T + t) * hd;
                rope(dq + o, c, s, p, hd, scale, -1);
                rope(dk + o, c, s, p + H * hd, hd, 1, -1);
                memcpy(p + 2 * H * hd, dv + o, (size_t)hd * sizeof *p);
            }
}

/* [B*H, T, hd] to [B*T, H*hd], and back. */
void heads_merge(const float *o, float *y, long B, long T, long H, long hd)
{
    for (long b = 0; b < B; b++)
        for (long h = 0; h < H; h++)
            for (long t = 0; t < T; t++)
                memcpy(y + ((b * T + t) * H + h) * hd, o + ((b * H + h) * T + t) * hd, (size_t)hd * sizeof *y);
}

void heads_split(const float *y, float *o, long B, long T, long H, long hd)
{
    for (long b = 0; b < B; b++)
        for (long h = 0; h < H; h++)
            for (long t = 0; t < T; t++)
                memcpy(o + ((b * H + h) * T + t) * hd, y + ((b * T + t) * H + h) * hd, (size_t)hd * sizeof *o);
}

/* Softmax over the positions up to the diagonal, in place; zero above it. */
void softmax(float *p, long BH, long T)
{
    for (long b = 0; b < BH; b++)
        for (long i = 0; i < T; i++) {
            float *R r = p + (b * T + i) * T, m = r[0], s = 0;
            for (long j = 1; j <= i; j++) m = fmaxf(m, r[j]);
            for (long j = 0; j <= i; j++) r[j] = expf(r[j] - m);
            for (long j = 0; j <= i; j++) s += r[j];
            s = 1 / s;
            for (long j = 0; j <= i; j++) r[j] *= s;
            memset(r + i + 1, 0, (size_t)(T - i - 1) * sizeof *r);
        }
}

/* dp becomes the gradient of the scores, in place. */
void softmax_bwd(const float *p, float *dp, long BH, long T)
{
    for (long b = 0; b < BH; b++)
        for (long i = 0; i < T; i++) {
            const float *R a = p + (b * T + i) * T;
            float *R g = dp + (b * T + i) * T, s = 0;
            for (long j = 0; j <= i; j++) s += a[j] * g[j];
            for (long j = 0; j <= i; j++) g[j] = a[j] * (g[j] - s);
            memset(g + i + 1, 0, (size_t)(T - i - 1) * sizeof *g);
        }
}

/* gu [N, 2f] holds gate and up; y = silu(gate) * up. */
void swiglu(const float *R gu, float *R y, long N, long f)
{
    for (long i = 0; i < N; i++) {
        const float *g = gu + i * 2 * f, *u = g + f;
        float *o = y + i * f;
        for (long j = 0; j < f; j++) o[j] = g[j] / (1 + expf(-g[j])) * u[j];
    }
}

void swiglu_bwd(const float *R gu, const float *R dy, float *R dgu, long N, long f)
{
    for (long i = 0; i < N; i++) {
        const float *g = gu + i * 2 * f, *u = g + f, *e = dy + i * f;
        float *dg = dgu + i * 2 * f, *du = dg + f;
        for (long j = 0; j < f; j++) {
            float s = 1 / (1 + expf(-g[j])), a = g[j] * s;
            du[j] = e[j] * a;
            dg[j] = e[j] * u[j] * (s + a * (1 - s));
        }
    }
}

/* logits [M, V] become w * (softmax - onehot), in place. Returns the sum of w * loss. */
double cross_entropy(float *logits, const long *target, const float *w, long M, long V)
{
    double total = 0;
    for (long i = 0; i < M; i++) {
        float *R r = logits + i * V, m = r[0], s = 0;
        for (long j = 1; j < V; j++) m = fmaxf(m, r[j]);
        float t = r[target[i]] - m;
        for (long j = 0; j < V; j++) r[j] = expf(r[j] - m);
        for (long j = 0; j < V; j++) s += r[j];
        total += w[i] * (logf(s) - t);
        float k = w[i] / s;
        for (long j = 0; j < V; j++) r[j] *= k;
        r[target[i]] -= w[i];
    }
    return total;
}

/* AdamW; g is scaled by k and cleared. c1 c2 correct the bias of the two averages. */
void adamw(float *R p, float *R g, float *R m, float *R v, long n, float lr, float b1, float b2, float eps, float decay,
           float c1, float c2, float k)
{
    for (long i = 0; i < n; i++) {
        float x = g[i] * k;
        g[i] = 0;
        m[i] = b1 * m[i] + (1 - b1) * x;
        v[i] = b2 * v[i] + (1 - b2) * x * x;
        p[i] -= lr * (m[i] * c1 / (sqrtf(v[i] * c2) + eps) + decay * p[i]);
    }
}
