/**
 * Notes in several scripts, as names and in other forms of their words, with a thing and a place each, made of a seed; and
 * what asks for each by both.
 */
import { random } from './facts.ts';

export interface Script {
  things: string[];
  places: string[];
  text(thing: string, place: string): string;
  query(thing: string, place: string): string;
}

const words = (text: string): string[] => text.split(' ');

const CHINESE: Script = {
  things: words('数据库 服务器 备份 密码 缓存 日志 端口 证书 队列 索引 测试 部署'),
  places: words('上海 北京 东京 柏林 巴黎 伦敦 纽约 悉尼'),
  text: (thing, place) => `我们把${thing}放在${place}的机房里，每天晚上检查一次。`,
  query: (thing, place) => `${place}的${thing}`,
};
const JAPANESE: Script = {
  things: words('データベース サーバー バックアップ パスワード キャッシュ 証明書 索引 会議 予算 締め切り'),
  places: words('東京 大阪 札幌 福岡 京都 横浜 神戸 仙台'),
  text: (thing, place) => `${place}の${thing}は毎週月曜日に更新されます。`,
  query: (thing, place) => `${place} ${thing}`,
};
const KOREAN: Script = {
  things: words('데이터베이스 서버 백업 비밀번호 캐시 인증서 회의 예산 마감일 로그'),
  places: words('서울 부산 대구 인천 광주 대전 울산 제주'),
  text: (thing, place) => `${place}에 있는 ${thing}는 매일 밤에 다시 시작됩니다.`,
  query: (thing, place) => `${place} ${thing}`,
};
const THAI: Script = {
  things: words('ฐานข้อมูล เซิร์ฟเวอร์ สำรองข้อมูล รหัสผ่าน ใบรับรอง ประชุม งบประมาณ รายงาน'),
  places: words('กรุงเทพ เชียงใหม่ ภูเก็ต ขอนแก่น พัทยา อยุธยา'),
  text: (thing, place) => `เราเก็บ${thing}ไว้ที่${place}และตรวจสอบทุกคืน`,
  query: (thing, place) => `${thing} ${place}`,
};
const IDENTIFIERS: Script = {
  things: words(
    'unlockWithBiometrics parseInvoiceLines retry_backoff_ms MAX_UPLOAD_BYTES HTTPServerFactory sqlite3Session user_id2name loadCSVFile',
  ),
  places: words('billing gateway importer scheduler crawler portal'),
  text: (thing, place) => `The ${place} calls ${thing} before it answers.`,
  query: (thing, place) => `${place} ${splitName(thing)}`,
};
const PATHS: Script = {
  things: words(
    'src/host/main.ts /etc/nginx/sites.d/shop.conf C:\\data\\export.csv ~/.config/app/keys.yaml docs/setup-guide.md',
  ),
  places: words('timeout colour owner port version'),
  text: (thing, place) => `In ${thing} the ${place} is set by hand.`,
  query: (thing, place) => `${thing.split(/[/\\]/).at(-1)} ${place}`,
};
const FORMS: Script = {
  things: words(
    'deploy:deployments buy:bought child:children write:written mouse:mice retry:retried index:indices city:cities leave:left study:studies run:ran choose:chosen',
  ),
  places: words('Lisbon Oslo Vienna Prague Dublin Madrid'),
  text: (thing, place) => `What was ${thing.split(':')[1]} in ${place} is on the list.`,
  query: (thing, place) => `${thing.split(':')[0]} ${place}`,
};

/** One part of a name, or the name in another spelling. */
function splitName(name: string): string {
  const parts = name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+/g) ?? [name];
  return parts.slice(0, 2).join(' ').toLowerCase();
}

export const SCRIPTS = { CHINESE, JAPANESE, KOREAN, THAI, IDENTIFIERS, PATHS, FORMS };

export interface ScriptCases {
  notes: string[];
  cases: { query: string; answer: string }[];
}

/** Every note of a script, and so many of them asked for. */
export function scriptCases(
  { things, places, text, query }: Script,
  seed: number,
  count: number,
): ScriptCases {
  const next = random(seed);
  const pairs = things.flatMap((thing) => places.map((place) => ({ thing, place, order: next() })));
  const notes = pairs.map(({ thing, place }) => text(thing, place));
  const asked = [...pairs].sort((a, b) => a.order - b.order).slice(0, count);
  return {
    notes,
    cases: asked.map(({ thing, place }) => ({ query: query(thing, place), answer: text(thing, place) })),
  };
}
