#ifndef WILCO_TEST_SUPPORT_CERTIFICATES_H
#define WILCO_TEST_SUPPORT_CERTIFICATES_H

/* Makes certificates for tests, valid from an hour ago until tomorrow unless told otherwise, in a
 * new folder that certificates_fini() removes. Whatever goes wrong fails the test. */
#define CERTIFICATES_PATH_BYTES 128U

struct certificates {
    char folder[64];
};

struct certificate_wish {
    const char *name;   /* makes NAME.pem and NAME.key */
    const char *issuer; /* the name of one made before; NULL: itself */
    const char *common_name;
    const char *other_names; /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const char *use;         /* "serverAuth", "clientAuth"; NULL: any; "CA" */
    long from_s;             /* from now; both 0: as above */
    long until_s;
};

void certificates_init(struct certificates *c);
void certificates_fini(struct certificates *c);
void certificates_make(const struct certificates *c, const struct certificate_wish *wish);
/* Makes NAME.crl, in which `issuer` revokes `revoked` (NULL: none). */
void certificates_revoke(const struct certificates *c, const char *name, const char *issuer,
                         const char *revoked);
/* Below the folder: a file of that name, in `out`, which is returned. */
const char *certificates_path(const struct certificates *c, const char *file,
                              char out[CERTIFICATES_PATH_BYTES]);

/* Makes what most tests want. Of "ca": "server" (for localhost, 127.0.0.1 and ::1), "client"
 * (Common Name alice, other name alice.example), "ca.crl", which revokes "revoked" alone. And what
 * is to be refused by servers and clients: "expired", "early", "self", "foreign" (issued by
 * "other-ca"), "elsewhere" (for another host), "star" (a wildcard at the top level), "revoked";
 * "server" is wrong for a client, "client" for a server; "empty.pem" has nothing in it. */
void certificates_make_standard(const struct certificates *c);

#endif
