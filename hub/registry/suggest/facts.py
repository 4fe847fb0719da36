"""The facts that columns are known to hold, and the words by which their names tell."""

from __future__ import annotations

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fact about persons or firms."""

    name: str
    title: tuple[str, str]
    """English, Chinese."""
    categories: tuple[str, ...]
    """Of rule packs, the nearest first; the first that the packs in use have is suggested."""
    words: tuple[str, ...] = ()
    """Word sequences of names in small letters: ``id card`` is in ``residentIdCardNo``."""
    alone: tuple[str, ...] = ()
    """Whole names, as abbreviations of Chinese words by their first letters are."""
    chinese: tuple[str, ...] = ()
    """Texts that stand anywhere in a name or comment."""
    never: tuple[str, ...] = ()
    """Words beside which the name tells something else."""
    format: str | None = None
    """What `format` of the field is suggested, where values show it."""


_PERSON = ("pi", "gdpr.personal")
_SENSITIVE = ("pi.sensitive", "gdpr.personal")
_FIRM = ("business",)
_OTHERS = (
    "product", "company", "file", "host", "user", "album", "track", "genre", "city", "country",
    "category", "domain", "event", "role", "type", "table", "column", "class", "course",
    "school", "department", "dept", "brand", "group", "list", "media", "playlist", "artist",
    "region", "district", "province", "street", "store", "item", "title", "display", "script",
)  # fmt: skip

FACTS: tuple[Fact, ...] = (
    Fact(
        name="citizen-number", title=("citizen identity number", "公民身份号码"),
        categories=("pi.sensitive.identity", *_SENSITIVE), format="cn-id-number",
        words=("id card", "identity card", "id number", "identity number", "citizen id",
               "citizen number", "resident id", "national id", "ssn", "social security number",
               "passport", "passport number", "shen fen zheng"),
        alone=("sfzh", "sfzhm", "sfz", "gmsfhm", "gmsfzh", "zjhm", "idcard", "idno", "idnum"),
        chinese=("身份证", "身份号码", "公民身份", "证件号", "护照号"),
    ),
    Fact(
        name="credit-code", title=("unified social credit code", "统一社会信用代码"),
        categories=(), format="cn-uscc",
        words=("credit code", "uscc", "social credit code"),
        alone=("tyshxydm", "shxydm", "xydm", "uscc"), chinese=("社会信用代码", "信用代码"),
    ),
    Fact(
        name="person-name", title=("name of a person", "姓名"), categories=_PERSON,
        words=("first name", "last name", "surname", "full name", "given name", "family name",
               "middle name", "person name", "customer name", "employee name", "patient name",
               "contact name", "applicant name", "guardian name", "author name", "maiden name"),
        alone=("xm", "xingming", "xmmc", "fname", "lname", "firstname", "lastname", "fullname",
               "lxr", "lxrxm", "fddbr", "jhrxm"),
        chinese=("姓名", "联系人", "法定代表人", "监护人", "申请人"), never=_OTHERS,
    ),
    Fact(
        name="phone", title=("telephone number", "电话号码"), categories=_PERSON,
        words=("phone", "mobile", "telephone", "tel", "cell phone", "fax", "phone number",
               "home phone", "work phone", "cellphone"),
        alone=("sjh", "sjhm", "lxdh", "dh", "dhhm", "yddh", "lxfs", "shouji", "phonenumber"),
        chinese=("手机", "电话", "联系方式"), never=("model", "brand", "type"),
    ),
    Fact(
        name="email", title=("e-mail address", "电子邮箱"), categories=_PERSON,
        words=("email", "e mail", "mail address", "email address"),
        alone=("yx", "dzyx", "dzyj", "mail", "emailaddress"), chinese=("邮箱", "电子邮件"),
        never=("box", "sent", "template", "count", "verified", "enabled", "host", "subject"),
    ),
    Fact(
        name="address", title=("address", "住址"), categories=("pi.sensitive.location", *_PERSON),
        words=("address", "street address", "home address", "residence", "postal address",
               "address line", "billing address", "ship address", "domicile", "street", "postcode",
               "postal code", "zip code", "zip"),
        alone=("yb", "zz", "dz", "hjdz", "xzz", "jtzz", "lxdz", "txdz", "zhuzhi", "addr"),
        chinese=("住址", "地址", "户籍地", "居住地", "邮政编码"),
        never=("file", "street code", "ip", "mac", "email", "mail", "id", "web", "url", "type",
               "wallet"),
    ),
    Fact(
        name="birth-date", title=("date of birth", "出生日期"), categories=_PERSON,
        words=("birth date", "birthdate", "date of birth", "dob", "birthday", "birth day",
               "birth year"),
        alone=("csrq", "csny", "sr", "csnf", "birth"), chinese=("出生日期", "出生年月", "生日"),
    ),
    Fact(
        name="gender", title=("sex or gender", "性别"), categories=_PERSON,
        words=("gender", "sex"), alone=("xb", "xbdm", "xingbie"), chinese=("性别",),
    ),
    Fact(
        name="ethnicity", title=("ethnic group or religion", "民族或宗教"),
        categories=("pi.sensitive.religion", "gdpr.special.origin", *_SENSITIVE),
        words=("ethnicity", "ethnic group", "race", "religion", "ethnic", "religious belief"),
        alone=("mz", "mzdm", "zjxy"), chinese=("民族", "宗教"), never=("horse", "condition"),
    ),
    Fact(
        name="bank-card", title=("bank card or account", "银行账户"),
        categories=("pi.sensitive.finance", *_SENSITIVE),
        words=("bank card", "card number", "credit card", "bank account", "account number", "iban",
               "credit card number", "cc number", "routing number"),
        alone=("yhkh", "yhzh", "yhkkh", "zhhm", "khzh", "cardno", "iban"),
        chinese=("银行卡", "银行账号", "银行账户", "卡号"), never=("library", "id"),
    ),
    Fact(
        name="finance", title=("income or wealth of a person", "收入或财产"),
        categories=("pi.sensitive.finance", *_SENSITIVE),
        words=("salary", "income", "wage", "wages", "net worth", "tax paid", "payroll", "bonus",
               "commission pct", "annual income", "credit limit", "loan amount", "debt", "pension"),
        alone=("gz", "gzsr", "sr", "yx", "nsr", "ysr", "grsr"),
        chinese=("工资", "收入", "薪", "存款", "贷款", "养老金"), never=("grade",),
    ),
    Fact(
        name="health", title=("health", "医疗健康"),
        categories=("pi.sensitive.health", "gdpr.special.health", *_SENSITIVE),
        words=("diagnosis", "disease", "medication", "blood type", "blood pressure", "allergy",
               "allergies", "icd", "patient", "prescription", "symptom", "disability", "vaccine",
               "medical history", "hiv", "pregnancy", "blood group", "weight kg", "bmi",
               "glucose", "cholesterol", "insulin", "smoker", "treatment", "death cause"),
        alone=("zd", "zdmc", "xx", "jb", "jbmc", "cjlb", "jzjl", "bmi", "icd10"),
        chinese=("诊断", "疾病", "病史", "血型", "过敏", "残疾", "用药", "疫苗", "就诊", "体检"),
    ),
    Fact(
        name="minor", title=("minors and their guardians", "未成年人"),
        categories=("pi.sensitive.minor", *_SENSITIVE),
        words=("guardian", "child name", "pupil", "student id", "student number", "minor",
               "parent phone", "kindergarten", "child id"),
        alone=("jhr", "xjh", "xsxm", "jzxm"), chinese=("监护人", "未成年", "儿童", "学籍", "家长"),
        never=("version",),
    ),
    Fact(
        name="location", title=("position of a person or thing", "位置"),
        categories=("pi.sensitive.location", *_PERSON),
        words=("latitude", "longitude", "lat", "lng", "lon", "geolocation", "gps", "coordinates"),
        alone=("jd", "wd", "jwd"), chinese=("经度", "纬度", "坐标", "行踪", "轨迹"),
    ),
    Fact(
        name="plate", title=("number plate", "车牌号"), categories=_PERSON,
        words=("license plate", "number plate", "plate number", "plate no", "vin"),
        alone=("cphm", "cph", "hphm"), chinese=("车牌", "号牌号码"),
    ),
    Fact(
        name="network", title=("network address", "网络地址"), categories=_PERSON,
        words=("ip address", "ip", "mac address", "client ip", "remote addr", "user agent",
               "device id", "imei"),
        alone=("ip", "ipaddr", "ipdz", "mac", "imei"), chinese=("网络地址", "设备号"),
    ),
    Fact(
        name="secret", title=("password or key", "口令或密钥"), categories=_SENSITIVE,
        words=("password", "passwd", "pwd", "password hash", "secret", "api key", "access token",
               "private key", "secret key", "activation key", "apikey", "box pass",
               "password salt", "salt", "security answer", "token", "user pass"),
        alone=("mm", "kl", "pass"), chinese=("密码", "口令", "密钥"), never=("count", "expires"),
    ),
    Fact(
        name="biometric", title=("biometrics", "生物识别"),
        categories=("pi.sensitive.biometric", "gdpr.special.biometric", *_SENSITIVE),
        words=("fingerprint", "face image", "photo", "iris", "voiceprint", "dna", "portrait",
               "profile pic", "profile picture", "avatar"),
        alone=("zp", "rlzp", "zwxx"), chinese=("指纹", "人脸", "照片", "虹膜", "声纹"),
        never=("album", "product", "count"),
    ),
    Fact(
        name="family", title=("marriage and family", "婚姻家庭"), categories=_PERSON,
        words=("marital status", "spouse", "marriage", "married", "divorced", "next of kin",
               "number of children"),
        alone=("hyzk", "hyzkdm", "poxm"), chinese=("婚姻", "配偶", "子女"),
    ),
)  # fmt: skip
"""In order of weight: where two fit equally well, the first counts."""
