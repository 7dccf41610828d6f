# placeholder until packaging lands
