"""What every Tradewind part agrees on: models, events, topics, problem types and run ids."""
