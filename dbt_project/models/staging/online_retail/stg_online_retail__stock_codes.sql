-- The dictionary of stock codes that are no articles of the shop, or not like the others. Add a row when the test
-- on unlisted codes warns. Articles need no row: five digits and up to two letters are one.
with

stock_codes (stock_code, meaning, is_product, is_gift_card) as (
    values
    ('POST', 'postage', false, false),
    ('DOT', 'postage of the web shop', false, false),
    ('C2', 'carriage', false, false),
    ('M', 'entered by hand', false, false),
    ('D', 'discount', false, false),
    ('S', 'samples', false, false),
    ('B', 'bad debt', false, false),
    ('BANK CHARGES', 'bank charges', false, false),
    ('AMAZONFEE', 'fee of a marketplace', false, false),
    ('CRUK', 'commission for a charity', false, false),
    ('GIFT_0001_10', 'gift voucher', true, true),
    ('GIFT_0001_20', 'gift voucher', true, true),
    ('GIFT_0001_30', 'gift voucher', true, true),
    ('GIFT_0001_40', 'gift voucher', true, true),
    ('GIFT_0001_50', 'gift voucher', true, true),
    ('22016', 'gift voucher', true, true),
    ('PADS', 'pads to match all cushions', true, false)
)

select * from stock_codes
