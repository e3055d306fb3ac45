/* smime.c - OpenSSL reads the CMS; no key is used and nothing is verified. */
#include "smime.h"

#include <openssl/asn1.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>

enum { DER_MAX = 64 * 1024 * 1024 };

bool smime_open(struct arena *a, struct str der, struct str *out_entity) {
    const unsigned char *p = (const unsigned char *)der.p;
    bool open = false;
    if (!der.n || der.n > DER_MAX)
        return false;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
    if (cms && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed) {
        ASN1_OCTET_STRING **inner = CMS_get0_content(cms);
        if (inner && *inner && ASN1_STRING_length(*inner) > 0) {
            *out_entity = arena_str(a, str_make((const char *)ASN1_STRING_get0_data(*inner),
                                                (size_t)ASN1_STRING_length(*inner)));
            open = true;
        }
    }
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return open;
}
