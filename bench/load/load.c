/* Load generator of the router benchmark: HTTP/1.1, kept-alive connections, every answer read whole and compared.
 *
 *     load --port N --bodies FILE --expect FILE [--pieces] [--connections N] [--seconds S] [--requests N] [--rate R]
 *          [--warmup S] [--ramp N] [--announce] [--path PATH]
 *
 * --bodies    request bodies, one a line, sent in turn on 127.0.0.1 to POST PATH, by default /v1/chat/completions
 * --expect    what an answer's body (after de-chunking) must be, byte for byte; with --pieces: one piece of text a
 *             line, all of which must occur in the body in that order, for routers that write the answer anew
 * --rate      open loop: R requests a second are due at equal distances, whatever the answers do, and latency counts
 *             from the moment a request was due: a slow answer is not hidden by the requests it kept back. Without it,
 *             closed loop: each connection sends its next request when the last one is answered
 * --warmup    seconds before the S that count: answers that end in them are compared, but neither `completed` nor
 *             among the latencies, so that opening the connections is no part of a short measurement
 * --ramp      at most N requests (default 64) may wait for their first body byte at once, so that 1,000 streams open
 *             without overflowing a backlog
 * --announce  prints the line "open" once every connection holds an unfinished answer
 *
 * It stops sending after S seconds or N requests and gives what is on its way 30 s. Then it prints one JSON object:
 * right answers (`completed`: within the S seconds, `total`: with the early and the late ones), errors by kind, a sample of the first,
 * latency to the last byte and to the first body byte in microseconds, its own CPU seconds. The exit status is 0 also
 * when there were errors: they are the caller's to judge. One thread, one epoll, no dependencies.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_EVENTS = 256, READ = 64 << 10 };
#define SECOND 1000000000L
#define GRACE (30 * SECOND)

typedef enum { CONNECT, CLOSED, STATUS, FRAMING, CONTENT, TIMEOUT, KINDS } Kind;
static const char *kind_names[KINDS] = {"connect", "closed", "status", "framing", "content", "timeout"};

typedef struct {
    char *data;
    size_t len, cap;
} Buffer;

typedef enum { HEAD, LENGTH, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, LAST_END, DONE } State;

typedef struct {
    int fd; /* -1: not connected */
    bool busy, used, closing;
    const Buffer *request;
    size_t sent;
    long due, first; /* when the request was due, when its answer's first body byte came; nanoseconds */
    State state;
    long left; /* body or chunk bytes still to come */
    Buffer in, body;
    size_t pos; /* how far `in` is parsed */
} Conn;

typedef struct {
    double *values;
    size_t count, cap;
} Series;

static struct {
    int port, connections, ramp;
    long requests;
    double seconds, rate, warmup;
    bool pieces, announce;
    const char *path;
} options = {.connections = 1, .ramp = 64, .requests = -1, .seconds = 1, .path = "/v1/chat/completions"};

static Buffer *requests, expected, *pieces;
static size_t request_count, piece_count;
static Conn *conns, **idle; /* `idle` is a ring, so that all connections take their turn */
static size_t idle_first, idle_count;
static int poller, waiting, in_flight;
static long started, counted_from, deadline, issued, completed, total, reconnects, body_bytes;
static long errors[KINDS];
static char sample[512];
static Series latency, first_byte;

static long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void fatal(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void append(Buffer *b, const char *data, size_t len) {
    if (b->len + len > b->cap && !(b->data = realloc(b->data, b->cap = 2 * (b->len + len)))) abort();
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void record(Series *s, long nanoseconds) {
    if (s->count == s->cap && !(s->values = realloc(s->values, (s->cap = s->cap * 2 + 4096) * sizeof *s->values)))
        abort();
    s->values[s->count++] = (double)nanoseconds / 1000;
}

/* ---- one connection ---- */

static void conn_drop(Conn *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static void conn_free(Conn *c) {
    if (c->busy && !c->first) waiting--;
    if (c->busy) in_flight--;
    c->busy = false;
    idle[(idle_first + idle_count++) % (size_t)options.connections] = c;
}

static bool is_plain(char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

static void conn_fail(Conn *c, Kind kind) {
    if (!errors[kind]++ && !*sample) {
        const Buffer *seen = c->body.len ? &c->body : &c->in;
        size_t len = seen->len < sizeof sample - 1 ? seen->len : sizeof sample - 1;
        for (size_t i = 0; i < len; i++) sample[i] = is_plain(seen->data[i]) ? seen->data[i] : '.';
    }
    conn_drop(c);
    conn_free(c);
}

static bool conn_open(Conn *c) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    c->used = c->closing = false;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (c->fd < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e)) fatal("cannot open a socket");
    return !connect(c->fd, (struct sockaddr *)&address, sizeof address) || errno == EINPROGRESS;
}

static void conn_write(Conn *c) {
    while (c->busy && c->sent < c->request->len) {
        ssize_t sent = send(c->fd, c->request->data + c->sent, c->request->len - c->sent, MSG_NOSIGNAL);
        if (sent < 0) return; /* full or still connecting: EPOLLOUT comes; broken: reading tells */
        c->sent += sent;
    }
}

static void conn_begin(Conn *c) {
    c->state = HEAD;
    c->sent = c->pos = c->in.len = c->body.len = 0;
    if (c->fd < 0 && !conn_open(c)) return conn_fail(c, CONNECT);
    conn_write(c);
}

static void conn_request(Conn *c, long due) {
    c->request = &requests[issued++ % (long)request_count];
    c->busy = true;
    c->due = due;
    c->first = 0;
    waiting++;
    in_flight++;
    conn_begin(c);
}

static bool body_is_right(const Buffer *body) {
    if (!options.pieces) return body->len == expected.len && !memcmp(body->data, expected.data, expected.len);
    const char *at = body->data, *end = body->data + body->len;
    for (size_t i = 0; i < piece_count; i++) {
        if (!at || !(at = memmem(at, (size_t)(end - at), pieces[i].data, pieces[i].len))) return false;
        at += pieces[i].len;
    }
    return true;
}

static void conn_finish(Conn *c, long now) {
    if (c->pos != c->in.len) return conn_fail(c, FRAMING); /* bytes after the end */
    if (!body_is_right(&c->body)) return conn_fail(c, CONTENT);
    total++;
    body_bytes += (long)c->body.len;
    if (now >= counted_from) record(&latency, now - c->due);
    if (now >= counted_from && now <= deadline) completed++;
    c->used = true;
    if (c->closing) {
        conn_drop(c);
        reconnects++;
    }
    conn_free(c);
}

/* ---- reading an answer ---- */

static const char *header(const char *head, const char *end, const char *name) {
    size_t len = strlen(name);
    for (const char *line = memmem(head, end - head, "\r\n", 2); line && line < end;
         line = memmem(line, end - line, "\r\n", 2)) {
        line += 2;
        if (!strncasecmp(line, name, len) && line[len] == ':') return line + len + 1 + strspn(line + len + 1, " ");
    }
    return NULL;
}

/* Each reader moves on by what has come; false: it needs more bytes, or the answer failed (then `busy` is false). */
static bool read_head(Conn *c) {
    char *end = memmem(c->in.data, c->in.len, "\r\n\r\n", 4);
    if (!end) return false;
    if (c->in.len < 12 || strncmp(c->in.data + 9, "200", 3)) return conn_fail(c, STATUS), false;
    const char *length = header(c->in.data, end + 2, "content-length"),
               *coding = header(c->in.data, end + 2, "transfer-encoding");
    const char *connection = header(c->in.data, end + 2, "connection");
    if (!length == !coding) return conn_fail(c, FRAMING), false;
    c->closing = connection && !strncasecmp(connection, "close", 5);
    c->pos = end + 4 - c->in.data;
    c->left = length ? atol(length) : 0;
    c->state = coding ? CHUNK_SIZE : c->left ? LENGTH : DONE;
    return true;
}

static bool read_data(Conn *c, State next, long now) {
    size_t have = c->in.len - c->pos, take = have < (size_t)c->left ? have : (size_t)c->left;
    if (!take) return false;
    if (!c->first) {
        c->first = now;
        waiting--;
        if (now >= counted_from) record(&first_byte, now - c->due);
    }
    append(&c->body, c->in.data + c->pos, take);
    c->pos += take;
    if (!(c->left -= take)) c->state = next;
    return true;
}

static bool read_size(Conn *c) {
    char *at = c->in.data + c->pos, *end = memmem(at, c->in.len - c->pos, "\r\n", 2), *stop;
    if (!end) return false;
    c->left = strtol(at, &stop, 16);
    if (stop == at || (stop != end && *stop != ';') || c->left < 0) return conn_fail(c, FRAMING), false;
    c->pos = end + 2 - c->in.data;
    c->state = c->left ? CHUNK_DATA : LAST_END;
    return true;
}

static bool read_line_end(Conn *c, State next) {
    if (c->in.len - c->pos < 2) return false;
    if (memcmp(c->in.data + c->pos, "\r\n", 2)) return conn_fail(c, FRAMING), false;
    c->pos += 2;
    c->state = next;
    return true;
}

static bool read_step(Conn *c, long now) {
    switch (c->state) {
    case HEAD: return read_head(c);
    case LENGTH: return read_data(c, DONE, now);
    case CHUNK_SIZE: return read_size(c);
    case CHUNK_DATA: return read_data(c, CHUNK_END, now);
    case CHUNK_END: return read_line_end(c, CHUNK_SIZE);
    case LAST_END: return read_line_end(c, DONE);
    default: return false;
    }
}

static void conn_closed(Conn *c) {
    bool retry = c->used && !c->in.len; /* closed while it was idle: the request never counted, send it anew */
    if (!c->busy) return conn_drop(c);
    if (!retry) return conn_fail(c, c->sent ? CLOSED : CONNECT);
    reconnects++;
    conn_drop(c);
    conn_begin(c);
}

static void conn_read(Conn *c) {
    static char chunk[READ];
    for (;;) {
        ssize_t got = recv(c->fd, chunk, sizeof chunk, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return conn_closed(c);
        if (!c->busy) return conn_drop(c); /* bytes that nobody asked for */
        if (c->state != HEAD && c->pos == c->in.len) c->pos = c->in.len = 0;
        append(&c->in, chunk, got);
        long now = now_ns();
        while (c->busy && read_step(c, now)) {
        }
        if (c->busy && c->state == DONE) conn_finish(c, now);
        if (!c->busy || got < READ) return; /* a short read has emptied the socket */
    }
}

/* ---- the run ---- */

static bool may_send(long now) {
    bool some_left = options.requests < 0 || issued < options.requests;
    return some_left && now < deadline && idle_count && waiting < options.ramp;
}

static long next_due(void) {
    return options.rate > 0 ? started + (long)((double)issued * SECOND / options.rate) : 0;
}

static void send_due(long now) {
    while (may_send(now) && next_due() <= now) {
        long due = options.rate > 0 ? next_due() : now;
        Conn *c = idle[idle_first];
        idle_first = (idle_first + 1) % (size_t)options.connections;
        idle_count--;
        conn_request(c, due);
        if (options.rate <= 0) now = now_ns();
    }
}

static void announce(void) {
    if (!options.announce || waiting || in_flight < options.connections) return;
    puts("open");
    fflush(stdout);
    options.announce = false;
}

static bool finished(long now) {
    bool over = now >= deadline || (options.requests >= 0 && issued >= options.requests);
    return (over && !in_flight) || now >= deadline + GRACE;
}

static void run(void) {
    struct epoll_event ready[MAX_EVENTS];
    started = now_ns();
    counted_from = started + (long)(options.warmup * SECOND);
    deadline = counted_from + (long)(options.seconds * SECOND);
    for (long now = started; !finished(now); now = now_ns()) {
        send_due(now);
        long until = may_send(now) ? next_due() : now < deadline ? deadline : deadline + GRACE;
        long rest = until > now ? until - now : 0;
        struct timespec timeout = {.tv_sec = rest / SECOND, .tv_nsec = rest % SECOND};
        int count = epoll_pwait2(poller, ready, MAX_EVENTS, &timeout, NULL);
        for (int i = 0; i < count; i++) {
            Conn *c = ready[i].data.ptr;
            if (ready[i].events & EPOLLOUT) conn_write(c);
            if (c->fd >= 0 && ready[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) conn_read(c);
        }
        announce();
    }
    for (int i = 0; i < options.connections; i++)
        if (conns[i].busy) conn_fail(&conns[i], TIMEOUT);
}

/* ---- in and out ---- */

static Buffer read_file(const char *path) {
    Buffer whole = {0};
    char chunk[READ];
    FILE *file = fopen(path, "rb");
    if (!file) fatal(path);
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file));) append(&whole, chunk, got);
    fclose(file);
    return whole;
}

/* The lines of a text, each with `make` applied. */
static Buffer *lines(Buffer text, Buffer (*make)(const char *, size_t), size_t *count) {
    Buffer *all = NULL;
    for (char *at = text.data, *end; text.len && (end = memchr(at, '\n', text.data + text.len - at)); at = end + 1) {
        if (!(all = realloc(all, (*count + 1) * sizeof *all))) abort();
        all[(*count)++] = make(at, end - at);
    }
    return all;
}

static Buffer plain(const char *line, size_t len) {
    Buffer b = {0};
    append(&b, line, len);
    return b;
}

static Buffer with_head(const char *line, size_t len) {
    char head[512];
    int head_len = snprintf(head, sizeof head,
                            "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer none\r\n"
                            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                            options.path, options.port, len);
    Buffer b = plain(head, head_len);
    append(&b, line, len);
    return b;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_series(const char *name, Series *s) {
    static const double ranks[] = {0.5, 0.9, 0.99, 0.999, 1};
    static const char *names[] = {"p50", "p90", "p99", "p999", "max"};
    qsort(s->values, s->count, sizeof *s->values, ascending);
    printf("\"%s\":{", name);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        size_t at = (size_t)(ranks[i] * (double)s->count);
        printf("%s\"%s\":%.1f", i ? "," : "", names[i], s->count ? s->values[at < s->count ? at : s->count - 1] : 0);
    }
    printf("},");
}

static void report(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    printf("{\"completed\":%ld,\"total\":%ld,\"issued\":%ld,\"reconnects\":%ld,\"bodyBytes\":%ld,\"errors\":{",
           completed, total, issued, reconnects, body_bytes);
    for (int k = 0; k < KINDS; k++) printf("%s\"%s\":%ld", k ? "," : "", kind_names[k], errors[k]);
    printf("},\"sample\":\"%s\",", sample);
    print_series("latency", &latency);
    print_series("firstByte", &first_byte);
    printf("\"cpuSeconds\":%.3f}\n", cpu);
}

static void parse_options(int argc, char **argv) {
    static const struct option known[] = {{"port", 1, 0, 'p'},
                                          {"bodies", 1, 0, 'b'},
                                          {"expect", 1, 0, 'e'},
                                          {"pieces", 0, 0, 'i'},
                                          {"connections", 1, 0, 'c'},
                                          {"seconds", 1, 0, 's'},
                                          {"requests", 1, 0, 'n'},
                                          {"rate", 1, 0, 'r'},
                                          {"warmup", 1, 0, 'w'},
                                          {"ramp", 1, 0, 'm'},
                                          {"announce", 0, 0, 'a'},
                                          {"path", 1, 0, 't'},
                                          {0}};
    const char *bodies = NULL, *expect = NULL;
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) switch (o) {
        case 'p': options.port = atoi(optarg); break;
        case 'b': bodies = optarg; break;
        case 'e': expect = optarg; break;
        case 'i': options.pieces = true; break;
        case 'c': options.connections = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'n': options.requests = atol(optarg); break;
        case 'r': options.rate = atof(optarg); break;
        case 'w': options.warmup = atof(optarg); break;
        case 'm': options.ramp = atoi(optarg); break;
        case 'a': options.announce = true; break;
        case 't': options.path = optarg; break;
        default: exit(2);
        }
    if (!options.port || !bodies || !expect || options.connections < 1) {
        fprintf(stderr, "usage: load --port N --bodies FILE --expect FILE [...]: see the head of load.c\n");
        exit(2);
    }
    requests = lines(read_file(bodies), with_head, &request_count);
    expected = read_file(expect);
    if (options.pieces) pieces = lines(expected, plain, &piece_count);
    if (!request_count || !expected.len) {
        fprintf(stderr, "load: no line in %s, or nothing in %s\n", bodies, expect);
        exit(2);
    }
}

int main(int argc, char **argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlives the benchmark */
    prctl(PR_SET_TIMERSLACK, 1);      /* a due request goes when it is due */
    parse_options(argc, argv);
    poller = epoll_create1(0);
    conns = calloc(options.connections, sizeof *conns);
    idle = calloc(options.connections, sizeof *idle);
    if (!conns || !idle) abort();
    for (int i = 0; i < options.connections; i++) {
        conns[i].fd = -1;
        idle[idle_count++] = &conns[i];
    }
    run();
    report();
    return 0;
}
