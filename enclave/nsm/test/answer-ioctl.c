/*
 * LD_PRELOAD for tests on machines without a Nitro Secure Module: stands where its driver would and has a server
 * answer, so that the real nsm-request runs. Written from the driver's interface, not from nsm-request.c.
 *
 * To the unix socket NSM_SOCKET: u32 length of the request, request. From it: i32 errno, u32 length of the response
 * as the driver states it, then its bytes up to the end. Native byte order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What the driver copies from the caller: two addresses, each followed by a length. */
struct message {
    uint64_t request, request_length, response, response_length;
};

static int refuse(int error)
{
    errno = error;
    return -1;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

int ioctl(int fd, unsigned long number, ...)
{
    (void)fd;
    va_list arguments;
    va_start(arguments, number);
    struct message *message = va_arg(arguments, struct message *);
    va_end(arguments);
    /* Read and write, 32 bytes, type 0x0A, number 0. */
    if (number != 0xC0200A00ul)
        return refuse(ENOTTY);
    if (message->request_length > 0x1000)
        return refuse(EMSGSIZE);
    if (message->response_length != 0x3000)
        return refuse(EINVAL);

    int server = connect_to(getenv("NSM_SOCKET"));
    uint32_t length = (uint32_t)message->request_length;
    const void *request = (const void *)(uintptr_t)message->request;
    if (server < 0 || write(server, &length, 4) != 4 || write(server, request, length) != (ssize_t)length)
        return refuse(EPIPE);

    int32_t error;
    uint32_t stated;
    if (recv(server, &error, 4, MSG_WAITALL) != 4 || recv(server, &stated, 4, MSG_WAITALL) != 4)
        return refuse(EPIPE);
    if (error != 0)
        return refuse(error);
    if (recv(server, (void *)(uintptr_t)message->response, message->response_length, MSG_WAITALL) < 0)
        return refuse(EPIPE);
    message->response_length = stated;
    close(server);
    return 0;
}
