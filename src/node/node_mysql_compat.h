/* The one place that knows how the two client libraries differ: MariaDB Connector/C 3.x and Oracle's libmysqlclient 8+. */
#ifndef NODE_MYSQL_COMPAT_H
#define NODE_MYSQL_COMPAT_H

#include <errmsg.h>
#include <mysql.h>
#include <stdbool.h>

#ifdef HAVE_MY_BOOL
typedef my_bool compat_bool;
#else
typedef bool compat_bool;
#endif

static inline int compat_socket(MYSQL *mysql)
{
#ifdef HAVE_MYSQL_GET_SOCKET
    return (int)mysql_get_socket(mysql);
#else
    return mysql->net.fd;
#endif
}

enum compat_tls {
    COMPAT_TLS_OFF,   /* unix socket */
    COMPAT_TLS_OFFER, /* if the server has it, unverified */
    COMPAT_TLS_VERIFY /* or no connection */
};

/* @ca: PEM file, or empty for the system's store. */
static inline void compat_tls_set(MYSQL *mysql, enum compat_tls tls, const char *ca)
{
    if (tls == COMPAT_TLS_VERIFY) {
        if (ca[0])
            mysql_options(mysql, MYSQL_OPT_SSL_CA, ca);
        else
            mysql_options(mysql, MYSQL_OPT_SSL_CAPATH, "/etc/ssl/certs");
    }
#if HAVE_DECL_MYSQL_OPT_SSL_MODE
    static const unsigned modes[] = {SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_VERIFY_IDENTITY};
    mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[tls]);
#else
    compat_bool use = tls != COMPAT_TLS_OFF, verify = tls == COMPAT_TLS_VERIFY;
    mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &use);
    mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
#endif
}

/* A server may ask for the password in clear (mysql_clear_password, dialog): Connector/C hands it out unless the plugins it
 * may use are listed; libmysqlclient only does so when told. */
static inline void compat_refuse_clear_password(MYSQL *mysql)
{
#if HAVE_DECL_MARIADB_OPT_RESTRICTED_AUTH
    mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                  "mysql_native_password,caching_sha2_password,client_ed25519,parsec");
#else
    bool off = false;
    mysql_options(mysql, MYSQL_ENABLE_CLEARTEXT_PLUGIN, &off);
#endif
}

#endif
