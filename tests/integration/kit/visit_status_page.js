// Opens the status page in Chromium and reports what it shows, as JSON on stdout.
// node visit_status_page.js URL [SCREENSHOT SECONDS]
'use strict';
const { chromium } = require('playwright-core');
const [url, screenshot, seconds] = process.argv.slice(2);
const desktop = { width: 1400, height: 1000 };

const rowsOf = (page, id) => page.locator(`#${id} tr:visible`).evaluateAll(rows => rows.map(row => row.innerText));

async function look(browser, problems) {
  // With less motion the page jumps to a link's place at once: a click never meets a page that still glides.
  const page = await browser.newPage({ viewport: desktop, colorScheme: 'light', reducedMotion: 'reduce' });
  page.on('console', message => { if (message.type() === 'error') problems.push(message.text()); });
  page.on('pageerror', error => problems.push(error.message));
  page.on('dialog', dialog => { problems.push('a dialog'); dialog.dismiss(); });
  page.on('request', request => { if (!request.url().startsWith(url) && !request.url().startsWith('data:')) problems.push(request.url()); });
  await page.goto(url);
  const seen = {};
  await page.locator('#charts canvas').first().waitFor();
  seen.charts = await page.locator('#charts canvas').count();
  seen.legend = await page.locator('.legend').first().innerText();
  seen.connections = await rowsOf(page, 'connection-rows');
  for (const link of await page.locator('nav a').all()) {
    const place = await link.getAttribute('href');
    await link.click();
    await page.waitForFunction(wanted => location.hash === wanted, place);
  }
  seen.place = await page.evaluate(() => location.hash);
  await page.fill('#filter', 'clicked through');
  seen.filtered = await rowsOf(page, 'connection-rows');
  await page.fill('#filter', '');
  await page.emulateMedia({ colorScheme: 'dark' });
  seen.dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.setViewportSize({ width: 390, height: 844 });
  // A phone scrolls tables, not the page. The charts follow the window a moment later.
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
  await page.close();
  return seen;
}

async function lookWithoutScript(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: desktop });
  const page = await context.newPage();
  await page.goto(url);
  return rowsOf(page, 'connection-rows');
}

async function shoot(browser) {
  const page = await browser.newPage({ viewport: desktop, colorScheme: 'light' });
  await page.goto(url);
  await page.waitForTimeout(1000 * seconds);
  await page.screenshot({ path: screenshot });
}

(async () => {
  // Debian's Chromium has no sandbox for root or in a container; what is opened is ours.
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const problems = [];
  const seen = await look(browser, problems);
  seen.withoutScript = await lookWithoutScript(browser);
  if (screenshot) await shoot(browser);
  await browser.close();
  console.log(JSON.stringify({ ...seen, problems }));
})().catch(error => { console.error(error); process.exit(1); });
