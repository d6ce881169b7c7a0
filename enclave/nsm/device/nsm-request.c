/*
 * Hands one request to the Nitro Secure Module and its response back: Node has no ioctl.
 *
 *   nsm-request DEVICE < request > response
 *
 * The bytes are not looked at; enclave/nsm/protocol.ts makes and reads them. Interface of the driver:
 * include/uapi/linux/nsm.h (Linux 6.8), src/driver/mod.rs of aws-nitro-enclaves-nsm-api.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { REQUEST_BYTES_MAX = 0x1000, RESPONSE_BYTES_MAX = 0x3000 };

/* Each ends with one line on stderr. enclave/nsm/device.ts knows the numbers. */
enum {
    EXIT_USAGE = 64,
    EXIT_REQUEST = 65,  /* empty or over 4096 bytes */
    EXIT_DEVICE = 69,   /* absent, not to be opened, or no character device */
    EXIT_IOCTL = 71,    /* refused by the driver */
    EXIT_IO = 74,       /* stdin or stdout */
    EXIT_RESPONSE = 76, /* the driver states an impossible length */
};

struct nsm_message {
    struct iovec request;
    struct iovec response;
};

_Static_assert(sizeof(struct nsm_message) == 32, "the driver takes four words of 64 bits");

#define NSM_IOCTL_RAW _IOWR(0x0A, 0, struct nsm_message)

static unsigned char request[REQUEST_BYTES_MAX + 1]; /* one more shows that there is too much */
static unsigned char response[RESPONSE_BYTES_MAX];

static int fail(int status, const char *what, const char *why)
{
    fprintf(stderr, "nsm-request: %s: %s\n", what, why);
    return status;
}

/* Fills `buffer` from stdin up to its size or the end; returns the length, or -1. */
static ssize_t read_all(unsigned char *buffer, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(STDIN_FILENO, buffer + length, size - length);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

/* Returns 0, or -1 when stdout does not take all of it. */
static int write_all(const unsigned char *buffer, size_t length)
{
    while (length > 0) {
        ssize_t put = write(STDOUT_FILENO, buffer, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return -1;
        buffer += put;
        length -= (size_t)put;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fail(EXIT_USAGE, "usage", "nsm-request DEVICE < request > response");

    ssize_t length = read_all(request, sizeof request);
    if (length < 0)
        return fail(EXIT_IO, "stdin", strerror(errno));
    if (length == 0 || length > REQUEST_BYTES_MAX)
        return fail(EXIT_REQUEST, "stdin", "a request has 1 to 4096 bytes");

    int device = open(argv[1], O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (device < 0)
        return fail(EXIT_DEVICE, argv[1], strerror(errno));
    struct stat status;
    if (fstat(device, &status) != 0 || !S_ISCHR(status.st_mode))
        return fail(EXIT_DEVICE, argv[1], "not a character device");

    struct nsm_message message = {
        .request = {.iov_base = request, .iov_len = (size_t)length},
        .response = {.iov_base = response, .iov_len = sizeof response},
    };
    if (ioctl(device, NSM_IOCTL_RAW, &message) != 0)
        return fail(EXIT_IOCTL, "ioctl", strerror(errno));
    if (message.response.iov_len == 0 || message.response.iov_len > sizeof response)
        return fail(EXIT_RESPONSE, "response", "the driver states an impossible length");
    if (write_all(response, message.response.iov_len) != 0)
        return fail(EXIT_IO, "stdout", strerror(errno));
    return 0;
}
