"""The fourth batch: Japanese and Korean convenience shops."""

from tests.support.fresh.slip import Line, Slip

ALL: tuple[Slip, ...] = (
    Slip(
        name="d-ja-reduced",
        language="ja",
        currency="JPY",
        kind="sale",
        text="""
^ミナトマート
港南二丁目店
電話:03-0000-0000
登録番号 T0000000000000
2026年11月14日(土) 12:08
レジ#2  No.4417  責:018
【領収証】
手巻おにぎり 鮭¦*150
緑茶 600ml¦*160
からあげ 5個入¦*248
小計(税抜 8%)¦¥558
消費税等(8%)¦¥44
合計¦¥602
お預り¦¥1,002
お釣り¦¥400
*は軽減税率対象商品です
""",
        printed_at="2026-11-14T12:08:00",
        payable=602,
        lines=(
            Line("手巻おにぎり 鮭", None, None, 150),
            Line("緑茶 600ml", None, None, 160),
            Line("からあげ 5個入", None, None, 248),
        ),
        tenders=((None, 1002),),
        change=400,
        tax_added=44,
        stops=(32,),
        encoding="shift_jis",
        medium="escpos",
    ),
    Slip(
        name="d-ja-included",
        language="ja",
        currency="JPY",
        kind="sale",
        text="""
        サンライズストア
           北町駅前店
2026/11/15(日) 08:41:12
レシートNo. 000872
--------------------------------
ハムたまごサンド¦298軽
ブレンドコーヒーR¦120軽
ボールペン黒
  @110 x 2¦220
--------------------------------
合計 4点¦¥638
(内消費税等¦¥50)
クレジット支払¦¥638
軽は軽減税率(8%)対象
""",
        number="000872",
        printed_at="2026-11-15T08:41:12",
        payable=638,
        lines=(
            Line("ハムたまごサンド", None, None, 298),
            Line("ブレンドコーヒーR", None, None, 120),
            Line("ボールペン黒", "2", 110, 220),
        ),
        tenders=(("bank_card", 638),),
        stops=(32,),
        encoding="shift_jis",
    ),
    Slip(
        name="d-ja-discounted",
        language="ja",
        currency="JPY",
        kind="sale",
        text="""
^デイリーはやぶさ
本町一丁目店
取引番号:0031-5582
2026年11月16日 22:15
担当:佐藤
チキン南蛮弁当¦598
  値引¦-100
カップ味噌汁¦
  2個 × 単138¦276
レジ袋(中)¦3
小計¦777
合計¦¥777
現金¦¥1,000
お釣¦¥223
""",
        number="0031-5582",
        printed_at="2026-11-16T22:15:00",
        payable=777,
        lines=(
            Line("チキン南蛮弁当", None, None, 598),
            Line(None, None, None, -100, "discount"),
            Line("カップ味噌汁", "2", 138, 276),
            Line("レジ袋(中)", None, None, 3, "fee"),
        ),
        tenders=(("cash", 1000),),
        change=223,
        stops=(30,),
        encoding="shift_jis",
        medium="python-escpos",
    ),
    Slip(
        name="d-ja-both-rates",
        language="ja",
        currency="JPY",
        kind="sale",
        text="""
^コトリヤ
領 収 書
2026年11月18日 17:26  レジ1
伝票番号 118-0264
緑黄色野菜ジュース※¦¥140
肉まん※¦¥150
週刊誌¦¥480
単3電池4本¦¥520
--------------------------------
小計¦¥1,290
外税8%(対象¥290)¦¥23
外税10%(対象¥1,000)¦¥100
合計¦¥1,413
交通系IC支払¦¥1,413
IC残高¦¥2,087
※印は軽減税率適用
""",
        number="118-0264",
        printed_at="2026-11-18T17:26:00",
        payable=1413,
        lines=(
            Line(None, None, None, 140),
            Line(None, None, None, 150),
            Line("週刊誌", None, None, 480),
            Line("単3電池4本", None, None, 520),
        ),
        tenders=((None, 1413),),
        tax_added=123,
        stops=(32,),
        encoding="shift_jis",
        medium="escpos",
    ),
    Slip(
        name="d-ja-settled",
        language="ja",
        currency="JPY",
        kind="shift_report",
        text="""
^精算レポート
ヒノデマート 東通店
2026年11月17日 23:05
レジ01  精算回数 0312
--------------------------------
総売上¦286件  ¥198,420
返品¦1件  ¥420
純売上¦¥198,000
現金¦¥88,500
クレジット¦¥109,500
--------------------------------
現金在高¦¥138,500
""",
        printed_at="2026-11-17T23:05:00",
        stops=(32,),
        encoding="shift_jis",
        medium="escpos",
    ),
    Slip(
        name="d-ko-table",
        language="ko",
        currency="KRW",
        kind="sale",
        text="""
^하늘편의점 역삼중앙점
사업자번호: 000-00-00000
대표: 김** TEL: 02-000-0000
2026-11-14 13:22:40  POS: 01
영수증번호: 20261114-0193
------------------------------------------
상품명¦단가¦수량¦금액
------------------------------------------
참치마요삼각김밥¦1,200¦2¦2,400
바나나맛우유¦1,700¦1¦1,700
컵라면(매운맛)¦1,250¦1¦1,250
------------------------------------------
합계¦5,350
과세물품가액¦4,864
부가세¦486
신용카드¦5,350
카드번호: 5320-****-****-118*
승인번호: 30118820
""",
        number="20261114-0193",
        printed_at="2026-11-14T13:22:40",
        payable=5350,
        lines=(
            Line("참치마요삼각김밥", "2", 1200, 2400),
            Line("바나나맛우유", "1", 1700, 1700),
            Line("컵라면(매운맛)", "1", 1250, 1250),
        ),
        tenders=(("bank_card", 5350),),
        stops=(26, 32, 42),
        encoding="euc_kr",
        medium="escpos",
    ),
    Slip(
        name="d-ko-cash",
        language="ko",
        currency="KRW",
        kind="sale",
        text="""
          달빛마트 24
[영수증]
[판매일] 2026-11-15 21:47:03
[계산원] 박지은  [POS] 2
[NO] 0002-1187
================================
상품명¦수량¦금액
서울생수2L¦6¦6,600
단팥빵¦2¦3,000
봉투(대)¦1¦100
================================
받을금액¦9,700
현금¦10,000
거스름돈¦300
이용해 주셔서 감사합니다
""",
        number="0002-1187",
        printed_at="2026-11-15T21:47:03",
        payable=9700,
        lines=(
            Line("서울생수2L", "6", None, 6600),
            Line("단팥빵", "2", None, 3000),
            Line("봉투(대)", "1", None, 100, "fee"),
        ),
        tenders=(("cash", 10000),),
        change=300,
        stops=(22, 32),
        encoding="euc_kr",
    ),
    Slip(
        name="d-ko-discounted",
        language="ko",
        currency="KRW",
        kind="sale",
        text="""
^모퉁이상점
거래일시: 2026/11/17 08:05:19
거래번호: 0117-000341
담당자: 이수민
------------------------------------------
아메리카노(HOT)¦1¦1,800
햄치즈샌드위치¦1¦3,200
초코우유 300ml¦2¦3,800
행사할인¦¦-1,900
------------------------------------------
합계금액¦¦6,900
결제금액¦¦6,900
신용카드(일시불)¦¦6,900
""",
        number="0117-000341",
        printed_at="2026-11-17T08:05:19",
        payable=6900,
        lines=(
            Line("아메리카노(HOT)", "1", None, 1800),
            Line("햄치즈샌드위치", "1", None, 3200),
            Line("초코우유 300ml", "2", None, 3800),
            Line(None, None, None, -1900, "discount"),
        ),
        tenders=(("bank_card", 6900),),
        stops=(30, 42),
        encoding="euc_kr",
        medium="escpos",
    ),
    Slip(
        name="d-ko-two-rows",
        language="ko",
        currency="KRW",
        kind="sale",
        text="""
^푸른들 마켓
경기도 수원시 000-0
일시 2026-11-18 19:33  번호 00512
--------------------------------
국산두부 300g
8801234500011¦2,100 x 1¦2,100
진라면 5입
8801234500028¦3,950 x 2¦7,900
대파 1단
2100000000456¦2,480 x 1¦2,480
--------------------------------
총 구매액¦12,480
현금¦13,000
거스름돈¦520
""",
        number="00512",
        printed_at="2026-11-18T19:33:00",
        payable=12480,
        lines=(
            Line("국산두부 300g", "1", 2100, 2100),
            Line("진라면 5입", "2", 3950, 7900),
            Line("대파 1단", "1", 2480, 2480),
        ),
        tenders=(("cash", 13000),),
        change=520,
        stops=(24, 32),
        encoding="euc_kr",
        medium="python-escpos",
    ),
    Slip(
        name="d-ko-returned",
        language="ko",
        currency="KRW",
        kind="return",
        text="""
^새벽별 편의점
[ 반품 영수증 ]
영수증번호: 1119-0044
원거래번호: 1119-0041
2026-11-19 10:12:08
------------------------------------------
상품명¦수량¦금액
물티슈 100매¦-1¦-2,500
------------------------------------------
반품합계¦¦-2,500
현금환불¦¦-2,500
""",
        number="1119-0044",
        printed_at="2026-11-19T10:12:08",
        payable=2500,
        lines=(Line("물티슈 100매", None, None, 2500),),
        tenders=(("cash", 2500),),
        stops=(30, 42),
        encoding="euc_kr",
        medium="escpos",
    ),
)
