"""Japanese and Korean shops."""

from tests.support.fresh.slip import Line, Slip

JAPAN = (
    Slip(
        "konbini, two rates inside the price",
        "ja",
        "JPY",
        "sale",
        """
        みどりマート
       駅前三丁目店
  電話 03-0000-0000
2026年11月22日(日) 08:12
レジ#2  責No.014
       領 収 証
おにぎり 鮭¦¥150軽
おにぎり 昆布
   @140 x 2点¦¥280軽
緑茶 600ml¦¥160軽
乾電池 単3 4本¦¥498
合計¦¥1,088
(10%対象¦¥498)
(内消費税等¦¥45)
( 8%対象¦¥590)
(内消費税等¦¥43)
お預り¦¥1,100
お釣¦¥12
軽印は軽減税率対象商品です
No.2-5581
""",
        printed_at="2026-11-22T08:12:00",
        payable=1088,
        lines=(
            Line("おにぎり 鮭", None, None, 150),
            Line("おにぎり 昆布", "2", 140, 280),
            Line("緑茶 600ml", None, None, 160),
            Line("乾電池 単3 4本", None, None, 498),
        ),
        tenders=(("cash", 1100),),
        change=12,
        stops=(32,),
        encoding="shift_jis",
    ),
    Slip(
        "supermarket, tax on top",
        "ja",
        "JPY",
        "sale",
        """
^スーパー まるよし
登録番号 T0000000000000
2026/11/21 17:35 ﾚｼﾞ0003
取引No 4417  扱者 佐藤
  国産豚バラ         *   598
  キャベツ           *   158
  食器用洗剤            248
  ポテトサラダ       *   298
    割引 20%           -60
小計      4点       1,242
外税8%対象額          994
外税8%                 79
外税10%対象額         248
外税10%                24
合計              ¥1,345
クレジット        ¥1,345
お買上げ明細は上記の通りです
""",
        number="4417",
        printed_at="2026-11-21T17:35:00",
        payable=1345,
        lines=(
            Line("国産豚バラ", None, None, 598),
            Line("キャベツ", None, None, 158),
            Line("食器用洗剤", None, None, 248),
            Line("ポテトサラダ", None, None, 298),
            Line(None, None, None, -60, "discount"),
        ),
        tax_added=103,
        tenders=(("bank_card", 1345),),
        encoding="shift_jis",
        medium="python-escpos",
    ),
    Slip(
        "cafe, PayPay",
        "ja",
        "JPY",
        "sale",
        """
喫茶 ひなた
伝票番号：0219   卓番：5
2026-11-22 14:06
ブレンドコーヒー　2¦960円
チーズケーキ　1¦520円
合計¦1,480円
(内税 10%¦134円)
PayPay¦1,480円
またのご来店をお待ちしております
""",
        number="0219",
        printed_at="2026-11-22T14:06:00",
        payable=1480,
        lines=(Line("ブレンドコーヒー", "2", None, 960), Line("チーズケーキ", "1", None, 520)),
        tenders=((None, 1480),),
        stops=(34,),
        encoding="euc_jp",
    ),
    Slip(
        "konbini return",
        "ja",
        "JPY",
        "return",
        """
みどりマート 駅前三丁目店
     ** 返 品 **
2026年11月22日 09:01
レジ#2  No.2-5590
乾電池 単3 4本¦-498
合計¦-498
(内消費税等¦-45)
現金返金¦-498
""",
        printed_at="2026-11-22T09:01:00",
        payable=498,
        lines=(Line("乾電池 単3 4本", None, None, 498),),
        tenders=(("cash", 498),),
        stops=(32,),
        encoding="shift_jis",
    ),
)

KOREA = (
    Slip(
        "convenience store, card",
        "ko",
        "KRW",
        "sale",
        """
      한빛편의점 서초점
사업자번호 000-00-00000
대표 김**  TEL 02-000-0000
[등록] 2026-11-22 19:27  POS:01
영수증번호 20261122-01-0388
상품명¦수량¦금액
삼각김밥 참치¦2¦2,400
컵라면 매운맛¦1¦1,500
생수 500ml¦1¦950
총 수량¦4
합계금액¦4,850
부가세 과세물품가액¦4,409
부가세¦441
신용카드¦4,850
카드번호 5243-****-****-1203
승인번호 30011842
교환/환불은 영수증 지참 7일 이내
""",
        number="20261122-01-0388",
        printed_at="2026-11-22T19:27:00",
        payable=4850,
        lines=(
            Line("삼각김밥 참치", "2", None, 2400),
            Line("컵라면 매운맛", "1", None, 1500),
            Line("생수 500ml", "1", None, 950),
        ),
        tenders=(("bank_card", 4850),),
        stops=(24, 36),
        encoding="euc_kr",
    ),
    Slip(
        "mart, cash and change",
        "ko",
        "KRW",
        "sale",
        """
^우리동네마트
거래번호: 0051-2217
일시: 2026/11/21 11:03:44 계산원: 박
==========================================
품명¦단가¦수량¦금액
------------------------------------------
신선란 30구¦7,980¦1¦7,980
두부 300g¦1,290¦2¦2,580
할인¦-580
==========================================
받을금액¦9,980
받은금액(현금)¦10,000
거스름돈¦20
포인트 적립 99P
""",
        number="0051-2217",
        printed_at="2026-11-21T11:03:44",
        payable=9980,
        lines=(
            Line("신선란 30구", "1", 7980, 7980),
            Line("두부 300g", "2", 1290, 2580),
            Line("할인", None, None, -580, "discount"),
        ),
        tenders=(("cash", 10000),),
        change=20,
        stops=(24, 31, 42),
        encoding="euc_kr",
        medium="python-escpos",
    ),
    Slip(
        "cafe, prices and VAT apart",
        "ko",
        "KRW",
        "sale",
        """
카페 산들
주문번호 47
2026-11-22 13:15:09
아메리카노(ICE) x2   9,000원
바닐라라떼 x1        5,500원
결제금액            14,500원
 공급가액           13,182원
 부가세              1,318원
카카오페이          14,500원
감사합니다
""",
        number="47",
        printed_at="2026-11-22T13:15:09",
        payable=14500,
        lines=(Line("아메리카노(ICE)", "2", None, 9000), Line("바닐라라떼", "1", None, 5500)),
        tenders=((None, 14500),),
        encoding="euc_kr",
    ),
    Slip(
        "convenience store, return",
        "ko",
        "KRW",
        "return",
        """
한빛편의점 서초점
     [반품 영수증]
2026-11-22 20:10  POS:01
영수증번호 20261122-01-0395
원거래번호 20261122-01-0388
컵라면 매운맛¦1¦-1,500
합계금액¦-1,500
신용카드 취소¦-1,500
""",
        number="20261122-01-0395",
        printed_at="2026-11-22T20:10:00",
        payable=1500,
        lines=(Line("컵라면 매운맛", "1", None, 1500),),
        tenders=(("bank_card", 1500),),
        stops=(24, 36),
        encoding="euc_kr",
    ),
)

ALL = (*JAPAN, *KOREA)
