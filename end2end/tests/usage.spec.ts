import { awake, notFound, projectPath, visit } from '../fixtures/pages.ts';
import { usagePath } from '../fixtures/resources.ts';
import { expect, test } from '../fixtures/test.ts';

test('R1: collaborators of either role read usage and cost, as a picture and as numbers @scripts', async ({
  as,
  tenant,
}) => {
  const { manager, member, open } = tenant;
  await tenant.add(open, member);
  await tenant.addUsage(open, 0, 'cluster', 'gpu_seconds', 7_200, 1_234.5);
  await tenant.addUsage(open, 1, 'cluster', 'gpu_seconds', 3_600, 100);
  await tenant.addUsage(open, 1, 'volume', 'gib_hours', 48_000, 0.004);
  await tenant.addUsage(open, 45, 'model', 'tokens', 2_000_000, 10);
  await tenant.addUsage(tenant.closed, 0, 'cluster', 'gpu_seconds', 1, 77_777);
  for (const person of [member, manager]) {
    const page = await as(person);
    await visit(page, projectPath(open));
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Usage' }).click();
    await expect(page).toHaveURL(usagePath(open));
    await awake(page);
    const main = page.getByRole('main');
    await expect(page.getByRole('heading', { name: 'Usage', level: 1 })).toBeVisible();
    await expect(main).toContainText('$1,334.50');
    await expect(main).not.toContainText('77,777');
    await expect(page.getByRole('region', { name: 'Cost per day' })).toContainText(/Total\s*\$1,334\.50/);
    const picture = page.getByRole('img', { name: 'Cost per day, by kind' });
    await expect(picture).toBeVisible();
    await expect(picture).toHaveAccessibleDescription(/The most on one day was \$1,234\.50/);
    const kinds = page.getByRole('table', { name: 'Usage by kind' });
    await expect(kinds.getByRole('row').nth(1)).toHaveText(/Clusters\s*3 GPU hours\s*\$1,334\.50/);
    await expect(kinds.getByRole('row').nth(2)).toHaveText(/Volumes\s*48,000 GiB hours\s*<\$0\.01/);
    const days = page.getByRole('table', { name: 'Cost by day' });
    await expect(days.getByRole('row')).toHaveCount(31);
    await expect(days.getByRole('row').nth(1)).toContainText('$1,234.50');
    await expect(days.getByRole('columnheader')).toHaveText(['Day', 'Total', 'Clusters', 'Volumes']);

    const ranges = page.getByRole('navigation', { name: 'Range' });
    await expect(ranges.getByRole('link', { name: '30 days' })).toHaveAttribute('aria-current', 'true');
    await ranges.getByRole('link', { name: '90 days' }).click();
    await expect(page).toHaveURL(`${usagePath(open)}?days=90`);
    await expect(main).toContainText('$1,344.50');
    // A quarter is read week by week.
    await expect(page.getByRole('table', { name: 'Cost by week' }).getByRole('row')).toHaveCount(14);
    await ranges.getByRole('link', { name: '7 days' }).click();
    await expect(page.getByRole('table', { name: 'Cost by day' }).getByRole('row')).toHaveCount(8);
    await expect(ranges.getByRole('link', { name: '7 days' })).toHaveAttribute('aria-current', 'true');
  }
});

test('D5 N1: usage that costs nothing is charted and tabled by how much it was', async ({ as, tenant }) => {
  const { manager, open } = tenant;
  await tenant.addUsage(open, 0, 'cluster', 'gpu_seconds', 7_200_000, 0);
  await tenant.addUsage(open, 1, 'cluster', 'gpu_seconds', 59 * 60, 0);
  await tenant.addUsage(open, 1, 'volume', 'gib_hours', 48, 0);
  const page = await as(manager);
  await visit(page, usagePath(open));
  await expect(page.getByRole('region', { name: 'GPU hours per day' })).toContainText(/Total\s*2,000 GPU hours/);
  const picture = page.getByRole('img', { name: 'GPU hours per day, by kind' });
  await expect(picture).toBeVisible();
  await expect(picture).toHaveAccessibleDescription(/The most on one day was 2,000 GPU hours/);
  const days = page.getByRole('table', { name: 'GPU hours by day' });
  await expect(days.getByRole('columnheader')).toHaveText(['Day', 'Total', 'Clusters']);
  await expect(days.getByRole('row')).toHaveCount(31);
  await expect(days.getByRole('row').nth(1).getByRole('cell')).toHaveText(['2,000', '2,000']);
  await expect(days.getByRole('row').nth(2).getByRole('cell')).toHaveText(['0.9', '0.9']);
  await expect(days.getByRole('row').nth(3).getByRole('cell')).toHaveText(['0', '0']);
  const kinds = page.getByRole('table', { name: 'Usage by kind' });
  await expect(kinds.getByRole('row').nth(2)).toHaveText(/Volumes\s*48 GiB hours\s*\$0\.00/);
  // There is no link to a cost of nought.
  const measures = page.getByRole('navigation', { name: 'Measure' }).getByRole('link');
  await expect(measures).toHaveText(['GPU hours', 'GiB hours']);
  await expect(measures.first()).toHaveAttribute('aria-current', 'true');
});

test('N1: another measure keeps the range, and another range the measure', async ({ as, tenant }) => {
  const { manager, open } = tenant;
  await tenant.addUsage(open, 0, 'cluster', 'gpu_seconds', 7_200, 5);
  await tenant.addUsage(open, 0, 'model', 'tokens', 2_000_000, 10);
  await tenant.addUsage(open, 45, 'endpoint', 'requests', 300, 1);
  const page = await as(manager);
  await visit(page, `${usagePath(open)}?days=7`);
  const measures = page.getByRole('navigation', { name: 'Measure' }).getByRole('link');
  await expect(measures).toHaveText(['Cost', 'GPU hours', 'Tokens']);
  await expect(measures.first()).toHaveAttribute('aria-current', 'true');
  await measures.filter({ hasText: 'Tokens' }).click();
  await expect(page).toHaveURL(`${usagePath(open)}?days=7&measure=tokens`);
  await expect(page.getByRole('region', { name: 'Tokens per day' })).toContainText(/Total\s*2,000,000 tokens/);
  const days = page.getByRole('table', { name: 'Tokens by day' });
  await expect(days.getByRole('row')).toHaveCount(8);
  await expect(days.getByRole('columnheader')).toHaveText(['Day', 'Total', 'Fine-tuning']);
  await expect(measures.filter({ hasText: 'Tokens' })).toHaveAttribute('aria-current', 'true');
  await expect(measures.first()).not.toHaveAttribute('aria-current');
  // The legend tells of every kind what it cost, whatever the chart is about.
  await expect(page.getByRole('table', { name: 'Usage by kind' }).getByRole('row').nth(1)).toHaveText(
    /Clusters\s*2 GPU hours\s*\$5\.00/,
  );

  await page.getByRole('navigation', { name: 'Range' }).getByRole('link', { name: '90 days' }).click();
  await expect(page).toHaveURL(`${usagePath(open)}?days=90&measure=tokens`);
  await expect(page.getByRole('table', { name: 'Tokens by week' }).getByRole('row')).toHaveCount(14);
  await expect(measures).toHaveText(['Cost', 'GPU hours', 'Tokens', 'Requests']);
});

test('N5: where nothing was used, the page says how it comes here @scripts', async ({ as, tenant }) => {
  const page = await as(tenant.manager);
  await visit(page, usagePath(tenant.open));
  await expect(page.getByRole('heading', { name: 'No usage in the last 30 days' })).toBeVisible();
  await expect(page.getByRole('main')).toContainText(`POST /v1/projects/${tenant.open.slug}/usage`);
  await expect(page.getByRole('img', { name: 'Cost per day, by kind' })).toBeHidden();
  await expect(page.getByRole('navigation', { name: 'Measure' })).toBeHidden();
});

test('P3: to somebody without access there is no usage; nor for an unknown range or measure @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(404, 400);
  const page = await as(tenant.manager);
  expect(await visit(page, usagePath(tenant.closed))).toBe(404);
  await expect(notFound(page)).toBeVisible();
  expect(await visit(page, `${usagePath(tenant.open)}?measure=hours`)).toBe(400);
  expect(await visit(page, `${usagePath(tenant.open)}?days=8`)).toBe(400);
  await page.getByRole('link', { name: 'Open the page without it' }).click();
  await expect(page.getByRole('heading', { name: 'Usage', level: 1 })).toBeVisible();
});

test('on a phone the days and their totals are in sight @scripts', async ({ as, tenant }) => {
  for (const kind of ['cluster', 'volume', 'model', 'endpoint', 'evaluation', 'file']) {
    await tenant.addUsage(tenant.open, 0, kind, 'requests', 1, 1_234.5);
  }
  const page = await as(tenant.manager);
  await page.setViewportSize({ width: 360, height: 800 });
  await visit(page, usagePath(tenant.open));
  const days = page.getByRole('table', { name: 'Cost by day' });
  const latest = days.getByRole('row').nth(1);
  await expect(latest.getByRole('cell').first()).toHaveText('$7,407.00');
  await latest.getByRole('cell').first().scrollIntoViewIfNeeded();
  const total = await latest.getByRole('cell').first().boundingBox();
  expect((total?.x ?? 0) + (total?.width ?? 360)).toBeLessThanOrEqual(360);
  await latest.getByRole('cell').last().scrollIntoViewIfNeeded();
  const box = await latest.getByRole('rowheader').boundingBox();
  expect(box?.x).toBeGreaterThanOrEqual(0);
});
