// Opens the status page as wide and as bright as it is told, and reports what does not fit or cannot be read, as JSON.
// node look_at_status_page.js URL WIDTH light|dark [PICTURE]
'use strict';
const { chromium } = require('playwright-core');
const [url, width, scheme, picture] = process.argv.slice(2);

// In the page.
function faults() {
  const found = [];
  const shown = element => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const name = element => `${element.tagName.toLowerCase()}${element.id ? '#' + element.id : ''} "${element.innerText.slice(0, 60)}"`;
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  // What stands beyond the edge can be reached only in something that scrolls, and says so.
  for (const cell of document.querySelectorAll('td, th, h1, h2, .tile, nav a, .legend, figcaption')) {
    if (!shown(cell) || !cell.innerText.trim()) continue;
    const box = cell.getBoundingClientRect();
    // The live connections of a phone are a swipe wide: they say so by what is cut at the edge.
    const swiped = innerWidth < 720 && cell.closest('#connections');
    if ((box.left < -1 || box.right > innerWidth + 1) && !swiped) found.push(`beyond the edge: ${name(cell)} ends at ${Math.round(box.right)}`);
    if (getComputedStyle(cell).overflowX === 'hidden' && cell.scrollWidth > cell.clientWidth + 1 && !cell.title && !cell.querySelector('[title]'))
      found.push(`cut off: ${name(cell)}`);
    if (cell.tagName === 'TD' && box.height > 260) found.push(`${Math.round(box.height)} high: ${name(cell)}`);
  }
  // WCAG 2: text against what is behind it.
  const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || !shown(element) || element.closest('canvas, script, style')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(rgb(style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const kind = `${style.color} on ${behind(element)}`;
    if (ratio < 4.5 && !seen.has(kind)) found.push(`contrast ${ratio.toFixed(1)}, ${kind}: ${name(element)}`);
    seen.add(kind);
  }
  return found;
}

(async () => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: Number(width), height: 900 }, colorScheme: scheme, reducedMotion: 'reduce' });
  await page.goto(url);
  await page.locator('#charts canvas').first().waitFor();
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth, null, { timeout: 5000 }).catch(() => {});
  const found = await page.evaluate(faults);
  const refusals = await page.locator('#refusals tbody tr:visible, #refusal-rows tr:visible').count();
  const roles = await page.locator('#roles tr:visible').allInnerTexts();
  if (picture) await page.screenshot({ path: picture, fullPage: true });
  await browser.close();
  console.log(JSON.stringify({ found, refusals, roles }));
})().catch(error => { console.error(error); process.exit(1); });
