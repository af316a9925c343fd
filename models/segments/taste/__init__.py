"""What, when and how customers like to buy: prices, hours, channels, brands, new things."""
