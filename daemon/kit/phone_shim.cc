// kit/phone_shim.cc - libphonenumber with one function for C: touchline-phone.so, built where the
// library is installed and loaded by kit/phone_library.c. No exception leaves it.
#include <cstring>
#include <string>

#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

extern "C" __attribute__((visibility("default"))) int
touchline_phone_read(const char *raw, size_t raw_n, const char *region, int country, char *out,
                     size_t room) noexcept {
    try {
        PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
        std::string where(region), e164;
        PhoneNumber number;
        if (where.empty())
            util->GetRegionCodeForCountryCode(country, &where);
        if (util->Parse(std::string(raw, raw_n), where, &number) !=
                PhoneNumberUtil::NO_PARSING_ERROR ||
            !util->IsValidNumber(number))
            return 0;
        util->Format(number, PhoneNumberUtil::E164, &e164);
        if (e164.size() > room)
            return 0;
        std::memcpy(out, e164.data(), e164.size());
        return static_cast<int>(e164.size());
    } catch (...) {
        return 0;
    }
}
