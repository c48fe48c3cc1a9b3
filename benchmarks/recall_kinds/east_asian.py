"""Facts in Chinese and Japanese."""

from benchmarks.recall_kinds.statements import Fact, Pools

CHINESE_POOLS: Pools = {
    "name": "小王 李明 张丽 陈浩 刘洋 赵敏 孙悦 周杰 吴静 郑凯".split(),
    "city": "成都 杭州 西安 厦门 大连 昆明 青岛".split(),
    "day": "星期一 星期二 星期五 五月三号 三月十二号 十月八号".split(),
    "hour": "上午九点 十点半 下午两点 下午四点 晚上六点".split(),
    "sum": "两千四百元 八百五十元 五百元 三千元".split(),
    "food": "花生 海鲜 草莓 牛奶 核桃 芝麻".split(),
    "pet": "猫 狗 鹦鹉 乌龟 兔子 仓鼠".split(),
    "petname": "豆豆 毛毛 团子 可乐 布丁".split(),
    "firm": "华信 蓝海 北辰 远景 星河".split(),
    "code": "7391 4410 8816 0451 5507".split(),
    "book": "《活着》 《围城》 《三体》 《边城》 《平凡的世界》".split(),
    "dish": "红烧肉 番茄炒蛋 麻婆豆腐 酸菜鱼 饺子".split(),
    "instrument": "大提琴 钢琴 古筝 二胡 笛子".split(),
    "color": "天蓝色 米黄色 深红色 墨绿色 淡紫色".split(),
}
CHINESE = (
    Fact(
        says=("我{day}{hour}要去看牙医。", "牙医预约在{day}{hour}。"),
        changes=("牙医打电话来，改到{day}{hour}了。",),
        asks=("我什么时候看牙医？", "我的牙医预约是几点？"),
        label="看牙医",
    ),
    Fact(
        says=("我妹妹{name}搬到{city}了。", "{name}现在住在{city}。"),
        changes=("{name}又搬家了，这次去{city}。",),
        asks=("{name}住在哪里？", "{name}搬到哪个城市了？"),
    ),
    Fact(
        says=("{name}不能吃{food}。", "{name}对{food}过敏。"),
        asks=("{name}对什么过敏？", "{name}不能吃什么？"),
    ),
    Fact(
        says=("我们养了一只{pet}，叫{petname}。", "新来的{pet}名字叫{petname}。"),
        asks=("我的{pet}叫什么名字？",),
    ),
    Fact(
        says=("房租每个月{sum}。", "我每月付{sum}房租。"),
        changes=("房东涨价了，现在房租是{sum}。",),
        asks=("我的房租是多少？", "我每个月要付多少房租？"),
    ),
    Fact(
        says=("我开始在{firm}公司上班了。", "{firm}公司录用我了！"),
        changes=("我辞职了，要去{firm}公司。",),
        asks=("我在哪里上班？", "我在哪家公司工作？"),
    ),
    Fact(
        says=("办公室的门禁密码是{code}。",),
        changes=("办公室密码改成{code}了。",),
        asks=("办公室的密码是什么？", "怎么进办公室？"),
    ),
    Fact(
        says=("我看完了{book}。", "昨晚读完{book}，很感动。"),
        asks=("我读过哪些书？", "我看完了哪些书？"),
        several=True,
    ),
    Fact(
        says=("昨天我做了{dish}。", "今天给{name}做了{dish}。"),
        asks=("我做过哪些菜？",),
        several=True,
    ),
    Fact(
        says=("{name}在乐团拉{instrument}。", "{name}天天练{instrument}。"),
        asks=("{name}会什么乐器？", "{name}在乐团里演奏什么？"),
    ),
    Fact(
        says=("我们把卧室刷成了{color}。", "卧室的墙现在是{color}。"),
        changes=("卧室重新刷了，现在是{color}。",),
        asks=("卧室是什么颜色？",),
    ),
    Fact(
        says=("去{city}的飞机{day}{hour}起飞。", "我们{day}飞{city}。"),
        changes=("去{city}的航班改到{day}{hour}。",),
        asks=("我什么时候飞{city}？", "去{city}的航班几点起飞？"),
        label="飞{city}",
    ),
    Fact(
        says=("我还欠{name}{sum}。", "{name}借给我{sum}。"),
        changes=("我还了一部分，现在还欠{name}{sum}。",),
        asks=("我欠{name}多少钱？",),
    ),
)
CHINESE_TALK = (
    "谢谢，很有帮助。",
    "早上好！",
    "红酒渍怎么洗掉？",
    "今天真累。",
    "又下雨了。",
    "有什么好听的播客吗？",
    "好的，明白了。",
    "两根黄瓜可以做什么菜？",
    "请解释一下复利。",
    "明天再说吧。",
)
CHINESE_BETWEEN = ("{a}和{b}之间隔了几天？", "{a}和{b}哪个在前？")

JAPANESE_POOLS: Pools = {
    "name": "田中さん 佐藤さん 鈴木さん 高橋さん 伊藤さん 渡辺さん 山本さん".split(),
    "city": "札幌 仙台 金沢 広島 福岡 長崎".split(),
    "day": "月曜日 火曜日 金曜日 五月三日 三月十二日 十月八日".split(),
    "hour": "午前九時 十時半 午後二時 午後四時 夕方六時".split(),
    "sum": "八万円 五千円 一万二千円 三万円".split(),
    "food": "ピーナッツ エビ いちご 牛乳 くるみ ごま".split(),
    "pet": "猫 犬 オウム うさぎ ハムスター".split(),
    "petname": "モモ コタロウ ハナ ソラ マル".split(),
    "firm": "アルバ商事 北星電機 ミライ工業 青葉銀行".split(),
    "code": "7391 4410 8816 0451 5507".split(),
    "book": "『こころ』 『雪国』 『羅生門』 『人間失格』".split(),
    "dish": "肉じゃが カレー 餃子 味噌ラーメン 天ぷら".split(),
    "instrument": "チェロ ピアノ フルート 琴 三味線".split(),
    "color": "水色 黄土色 紺色 深緑 薄紫".split(),
}
JAPANESE = (
    Fact(
        says=("{day}の{hour}に歯医者の予約があります。", "歯医者は{day}の{hour}です。"),
        changes=("歯医者から電話があって、{day}の{hour}に変わりました。",),
        asks=("歯医者はいつですか？", "歯医者の予約は何時？"),
        label="歯医者",
    ),
    Fact(
        says=("妹の{name}が{city}に引っ越しました。", "{name}は今{city}に住んでいます。"),
        changes=("{name}はまた引っ越して、今度は{city}です。",),
        asks=("{name}はどこに住んでいますか？", "{name}の引っ越し先はどこ？"),
    ),
    Fact(
        says=("{name}は{food}が食べられません。", "{name}は{food}アレルギーです。"),
        asks=("{name}は何のアレルギーですか？", "{name}が食べられないものは？"),
    ),
    Fact(
        says=("{pet}を飼い始めました。名前は{petname}です。", "うちの{pet}は{petname}といいます。"),
        asks=("うちの{pet}の名前は？",),
    ),
    Fact(
        says=("家賃は月{sum}です。", "毎月{sum}の家賃を払っています。"),
        changes=("大家さんが家賃を{sum}に上げました。",),
        asks=("家賃はいくらですか？", "毎月の家賃はいくら払っている？"),
    ),
    Fact(
        says=("{firm}で働き始めました。", "{firm}に採用されました！"),
        changes=("会社を辞めて{firm}に移ります。",),
        asks=("私はどこで働いていますか？", "私の勤め先の会社は？"),
    ),
    Fact(
        says=("オフィスのドアの暗証番号は{code}です。",),
        changes=("オフィスの暗証番号が{code}に変わりました。",),
        asks=("オフィスの暗証番号は？", "オフィスのドアはどうやって開ける？"),
    ),
    Fact(
        says=("{book}を読み終えました。", "昨夜{book}を読了、感動しました。"),
        asks=("私が読んだ本は何ですか？", "今までに読んだ本を教えて。"),
        several=True,
    ),
    Fact(
        says=("昨日{dish}を作りました。", "今日は{name}に{dish}を作った。"),
        asks=("私が作った料理は？", "今まで何を作りましたか？"),
        several=True,
    ),
    Fact(
        says=("{name}はオーケストラで{instrument}を弾いています。",),
        asks=("{name}は何の楽器を弾きますか？",),
    ),
    Fact(
        says=("寝室を{color}に塗りました。", "寝室の壁は今{color}です。"),
        changes=("寝室を塗り直して{color}になりました。",),
        asks=("寝室は何色ですか？",),
    ),
    Fact(
        says=("{city}行きの飛行機は{day}の{hour}に出ます。", "{day}に{city}へ飛びます。"),
        changes=("{city}行きの便が{day}の{hour}に変更。",),
        asks=("{city}行きの飛行機はいつ出ますか？", "いつ{city}へ飛ぶ？"),
        label="{city}行きの飛行機",
    ),
    Fact(
        says=("{name}に{sum}借りています。", "{name}が{sum}貸してくれました。"),
        changes=("少し返して、{name}にはあと{sum}です。",),
        asks=("{name}にいくら借りていますか？",),
    ),
)
JAPANESE_TALK = (
    "ありがとう、助かります。",
    "おはよう！",
    "赤ワインの染みはどう落とす？",
    "疲れた一日でした。",
    "また雨です。",
    "おすすめのポッドキャストはある？",
    "了解です。",
    "ズッキーニ二本で何が作れる？",
    "複利を説明して。",
    "続きは明日。",
)
JAPANESE_BETWEEN = ("{a}と{b}の間は何日ありますか？", "{a}と{b}はどちらが先？")
