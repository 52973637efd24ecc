/* A language model's HTTP API that answers at once: the upstream of the router benchmark.
 *
 *     mock PORT [N]    listens on 127.0.0.1:PORT until it is told to end; with N on 127.0.0.1 to 127.0.0.N
 *
 * POST (any path)  a chat completion; with "stream":true in the body a stream of server-sent events, each in its
 *                  own HTTP chunk and its own send(), as an engine writes token by token, then `data: [DONE]`.
 * GET  (any path)  200 with a list of one model: enough for the health checks of routers.
 *
 * A body may hold a directive, in its first 4 KiB, inside any JSON string: that passes every router, which headers
 * and paths do not.
 *
 *     [mock chunks=64 pace=10 size=256]
 *
 * chunks  events of a stream before [DONE]
 * pace    milliseconds from one event to the next; 0: as fast as the socket takes them
 * size    bytes of the answer's text when it is not a stream
 *
 * "stream" is looked for in the first and the last 4 KiB of a body. Answers hold nothing that varies (no clock, no
 * random id), so that a load generator can compare every byte. One thread, one epoll, no dependencies. It reads what
 * well-behaved HTTP/1.1 clients send (bodies with a Content-Length) and closes the connection on anything else.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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

enum {
    WINDOW = 4096,
    MAX_REQUEST = 8 << 20,
    MAX_ANSWER = 64 << 10,
    MAX_EVENTS = 256,
    MAX_CHUNKS = 9999,
    MAX_FILES = 1 << 16
};

typedef struct {
    int fd;
    char *in; /* what was received and not yet answered */
    size_t in_len, in_cap;
    char *out; /* what the socket did not take yet */
    size_t out_len, out_cap;
    int chunk, chunks; /* the next event of the stream, and how many there are; chunks = 0: no stream is open */
    long pace;         /* nanoseconds between two events */
    long due;          /* when the next event may go */
    int slot;          /* index among the paced streams, -1: not there */
} Conn;

static int poller;
static Conn **conns; /* by file descriptor */
static Conn **paced; /* streams that wait for their time */
static int paced_count;

static long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

static void pace_add(Conn *c) {
    if (c->slot < 0) paced[c->slot = paced_count++] = c;
}

static void pace_remove(Conn *c) {
    if (c->slot < 0) return;
    Conn *last = paced[--paced_count];
    paced[last->slot = c->slot] = last;
    c->slot = -1;
}

static void conn_close(Conn *c) {
    pace_remove(c);
    conns[c->fd] = NULL;
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

static void want(Conn *c, bool write) {
    struct epoll_event e = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.fd = c->fd};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

/* Sends, and keeps what the socket does not take. False: the connection is gone. */
static bool conn_send(Conn *c, const char *data, size_t len) {
    ssize_t sent = c->out_len ? 0 : send(c->fd, data, len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) sent = 0;
    if ((size_t)sent == len) return true;
    if (c->out_len + len > c->out_cap) c->out = must(realloc(c->out, c->out_cap = c->out_len + len + WINDOW));
    memcpy(c->out + c->out_len, data + sent, len - sent);
    if (!c->out_len) want(c, true);
    c->out_len += len - sent;
    return true;
}

static bool conn_flush(Conn *c) {
    ssize_t sent = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    memmove(c->out, c->out + sent, c->out_len -= sent);
    if (!c->out_len) want(c, false);
    return true;
}

static long directive(const char *body, size_t len, const char *name, long otherwise) {
    const char *start = memmem(body, len < WINDOW ? len : WINDOW, "[mock ", 6);
    if (!start) return otherwise;
    char text[128] = {0};
    size_t left = body + len - start;
    memcpy(text, start, left < sizeof text - 1 ? left : sizeof text - 1);
    *strchrnul(text, ']') = 0;
    char *at = strstr(text, name);
    return at ? atol(at + strlen(name)) : otherwise;
}

static bool says_stream(const char *text, size_t len) {
    const char *at = memmem(text, len, "\"stream\":", 9);
    if (!at) return false;
    for (at += 9; at < text + len && *at == ' '; at++) {
    }
    return at < text + len && *at == 't';
}

static bool wants_stream(const char *body, size_t len) {
    if (len <= 2 * WINDOW) return says_stream(body, len);
    return says_stream(body, WINDOW) || says_stream(body + len - WINDOW, WINDOW);
}

static bool answer_bytes(Conn *c, const char *body, int len) {
    char head[160];
    int head_len = snprintf(head, sizeof head,
                            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n", len);
    char whole[sizeof head + MAX_ANSWER + 1024];
    memcpy(whole, head, head_len);
    memcpy(whole + head_len, body, len);
    return conn_send(c, whole, head_len + len);
}

static bool answer_json(Conn *c, long size) {
    static const char words[] = "The quick brown fox jumps over the lazy dog. ";
    char text[MAX_ANSWER + 1], body[MAX_ANSWER + 1024];
    if (size < 0 || size > MAX_ANSWER) return false;
    for (long i = 0; i < size; i++) text[i] = words[i % (sizeof words - 1)];
    text[size] = 0;
    int len = snprintf(body, sizeof body,
                       "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":"
                       "\"mock\",\"choices\":[{\"index\":0,"
                       "\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}],"
                       "\"usage\":{\"prompt_tokens\":16,\"completion_tokens\":64,\"total_tokens\":80}}",
                       text);
    return answer_bytes(c, body, len);
}

static bool answer_models(Conn *c) {
    static const char body[] = "{\"object\":\"list\",\"data\":[{\"id\":\"mock\",\"object\":\"model\",\"created\":"
                               "1700000000,\"owned_by\":\"mock\"}]}";
    return answer_bytes(c, body, sizeof body - 1);
}

static bool send_event(Conn *c) {
    char event[320], chunk[340];
    int k = c->chunk++;
    int len = snprintf(event, sizeof event,
                       "data: "
                       "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                       "\"model\":\"mock\",\"choices\":[{\"index\":0,"
                       "\"delta\":{%s\"content\":\"t%04d \"},\"finish_reason\":%s}]}\n\n",
                       k ? "" : "\"role\":\"assistant\",", k, c->chunk == c->chunks ? "\"stop\"" : "null");
    len = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", len, event);
    return conn_send(c, chunk, len);
}

static bool stream_go_on(Conn *c, long now) {
    static const char end[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    while (c->chunk < c->chunks) {
        if (c->out_len) return true; /* the socket is full: EPOLLOUT brings us back */
        if (c->pace && c->due > now) {
            pace_add(c);
            return true;
        }
        c->due += c->pace;
        if (!send_event(c)) return false;
    }
    pace_remove(c);
    c->chunks = 0;
    return conn_send(c, end, sizeof end - 1);
}

static bool stream_start(Conn *c, const char *body, size_t len) {
    static const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: "
                               "no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    long chunks = directive(body, len, "chunks=", 64), now = now_ns();
    if (chunks < 1 || chunks > MAX_CHUNKS) return false;
    c->chunk = 0;
    c->chunks = (int)chunks;
    c->pace = directive(body, len, "pace=", 0) * 1000000L;
    c->due = now;
    return conn_send(c, head, sizeof head - 1) && stream_go_on(c, now);
}

/* The value of Content-Length; 0 if there is none, -1 for what this program does not read (chunks, nonsense). */
static long content_length(const char *head, const char *end) {
    long length = 0;
    for (const char *line = memmem(head, end - head, "\r\n", 2); line && line < end;
         line = memmem(line, end - line, "\r\n", 2)) {
        line += 2;
        if (!strncasecmp(line, "transfer-encoding:", 18)) return -1;
        if (!strncasecmp(line, "content-length:", 15)) length = atol(line + 15);
    }
    return length < 0 || length > MAX_REQUEST ? -1 : length;
}

/* Answers every complete request that was received, until a stream is open. False: close the connection. */
static bool serve(Conn *c) {
    while (!c->chunks) {
        char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
        if (!end) return c->in_len < 64 << 10;
        char *body = end + 4;
        long length = content_length(c->in, end + 2);
        if (length < 0) return false;
        if ((size_t)(body - c->in) + length > c->in_len) return true;
        bool ok = !strncmp(c->in, "GET ", 4)           ? answer_models(c)
                  : wants_stream(body, (size_t)length) ? stream_start(c, body, length)
                                                       : answer_json(c, directive(body, length, "size=", 256));
        if (!ok) return false;
        memmove(c->in, body + length, c->in_len -= body + length - c->in);
    }
    return true;
}

static bool conn_read(Conn *c) {
    if (c->in_cap - c->in_len < WINDOW) c->in = must(realloc(c->in, c->in_cap = c->in_cap * 2 + 2 * WINDOW));
    ssize_t got = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len - 1, 0);
    if (got < 0) return errno == EAGAIN;
    c->in[c->in_len += got] = 0;
    return got && c->in_len <= MAX_REQUEST && serve(c);
}

static void conn_event(Conn *c, uint32_t events) {
    bool ok = !(events & (EPOLLERR | EPOLLHUP));
    if (ok && events & EPOLLOUT) {
        ok = conn_flush(c);
        if (ok && !c->out_len && c->chunks) ok = stream_go_on(c, now_ns());
        if (ok && !c->out_len && !c->chunks) ok = serve(c);
    }
    if (ok && events & EPOLLIN) ok = conn_read(c);
    if (!ok) conn_close(c);
}

static void accept_all(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Conn *c = must(calloc(1, sizeof *c));
        c->fd = fd;
        c->slot = -1;
        conns[fd] = c;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    }
}

/* Sends what is due and returns the milliseconds until the next event is, -1 if nothing waits. */
static int run_paced(void) {
    long now = now_ns(), next = -1;
    for (int i = paced_count - 1; i >= 0;
         i--) { /* backwards: a removal moves the last one, which was seen, into the gap */
        Conn *c = paced[i];
        if (c->due <= now && !stream_go_on(c, now)) conn_close(c);
    }
    for (int i = 0; i < paced_count; i++)
        if (!paced[i]->out_len && (next < 0 || paced[i]->due < next)) next = paced[i]->due;
    if (next < 0) return -1;
    return next <= now ? 0 : (int)((next - now + 999999) / 1000000);
}

static int listen_on(int port, int host) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xff) + host)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
        perror("mock: cannot listen");
        exit(1);
    }
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    return fd;
}

int main(int argc, char **argv) {
    int hosts = argc == 3 ? atoi(argv[2]) : 1, listener = -1;
    if (argc < 2 || argc > 3 || hosts < 1 || hosts > 250) return fprintf(stderr, "usage: mock PORT [1-250]\n"), 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlives the benchmark */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < MAX_FILES ? files.rlim_max : MAX_FILES;
    setrlimit(RLIMIT_NOFILE, &files);
    conns = must(calloc(MAX_FILES, sizeof *conns));
    paced = must(calloc(MAX_FILES, sizeof *paced));
    poller = epoll_create1(0);
    for (int host = 1; host <= hosts; host++) listener = listen_on(atoi(argv[1]), host);
    struct epoll_event ready[MAX_EVENTS];
    for (;;) {
        int count = epoll_wait(poller, ready, MAX_EVENTS, run_paced());
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd <= listener) /* they were opened first, and are never closed */
                accept_all(fd);
            else if (conns[fd])
                conn_event(conns[fd], ready[i].events);
        }
    }
}
